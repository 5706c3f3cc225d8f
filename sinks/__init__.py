"""Where effects land; one folder a sink, each with a port, a real adapter and a memory adapter."""
