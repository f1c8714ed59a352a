"""Where learners' code runs: bubblewrap, a server that forks kernels, and their provisioner."""
