"""A period recorded from a cluster, and what each policy and model version would have done in it."""
