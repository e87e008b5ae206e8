"""What `./bench.sh` measures, and how. Python's standard library only; the first lines of each module say what it is for."""
