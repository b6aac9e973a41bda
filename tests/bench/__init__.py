"""What hazmon costs, measured: `make bench` runs every figure on this machine and writes bench.json."""
