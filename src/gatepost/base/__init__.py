"""What every station may use: settings, errors, ids, time, secrets, logs, numbers."""
