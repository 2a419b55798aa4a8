#!/bin/sh
# Makes the page's files into rows of a C++ table: embed.sh OUTPUT FILE...
out=$1
shift
for file; do
  printf '{"/%s", R"apdepot(' "$(basename "$file")"
  cat "$file"
  printf ')apdepot"},\n'
done > "$out"
