"""The do-it-yourself baseline: what a competent team writes first, with a commit per request."""
