"""Network-namespace topologies and small programs for the demo, the tests and the benchmarks."""
