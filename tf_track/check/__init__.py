"""What `twotrack check` asks of a Keras model, in the process that holds it."""
