"""What comes back: files and archives, whose they are, and the answers put into our notebooks."""
