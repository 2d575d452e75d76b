"""`twotrack bench`: the engines against the loops that users write, and the floor."""
