"""Networks of namespaces, and User-Mode Linux, for the demo, the tests and the benchmarks."""
