"""How much load the practice XNAT carries: `python -m bench`. Figures only; what is right is for the other suites."""
