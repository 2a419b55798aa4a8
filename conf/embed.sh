#!/bin/sh
# Makes a text file into a C++ raw string literal: embed.sh INPUT OUTPUT
{ printf 'R"apdepot('; cat "$1"; printf ')apdepot"\n'; } > "$2"
