"""What an answer is: right, wrong by name, or not attempted; and the help on the way."""
