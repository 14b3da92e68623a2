#!/usr/lib/hadirector/bin/python3 -I
import sys

from hadirector.__main__ import main

sys.exit(main())
