"""Does a user's Keras model agree with the user's PyTorch model?"""
