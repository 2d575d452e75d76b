"""What PyTorch does by itself, one function a difference, in the file of its group."""
