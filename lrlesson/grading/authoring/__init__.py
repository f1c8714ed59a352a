"""What a teacher writes: source notebooks, the course, and the release of exercises."""
