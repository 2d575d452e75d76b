"""What `twotrack check` asks of a user's PyTorch model."""
