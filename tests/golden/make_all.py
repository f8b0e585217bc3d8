# SPDX-License-Identifier: Apache-2.0
"""Remakes every golden file, one script at a time, then checks all of them."""
import glob
import os
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
scripts = sorted(glob.glob(os.path.join(here, "make_*.py")))
for script in scripts:
    if os.path.basename(script) != "make_all.py":
        print("==", os.path.basename(script), flush=True)
        subprocess.run([sys.executable, script], check=True, cwd=here)
subprocess.run([sys.executable, os.path.join(here, "check.py")], check=True, cwd=here)
