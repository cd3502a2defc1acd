"""What the commands of the stand-in builder do."""
