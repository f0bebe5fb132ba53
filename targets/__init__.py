"""Where the file will run: profiles, rules, placement, runtimes, latency. No TensorFlow at all."""
