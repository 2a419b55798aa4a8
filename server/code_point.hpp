#pragma once

namespace server {

// What a code point is to somebody who reads a line of a log or a terminal. Pure; any thread.

// It shows nothing, or nothing that tells it from a space, or it changes what stands around it: controls,
// formats (U+202E turns text round), other blanks and ends of lines, variation selectors, tags, private use
// and noncharacters. The space itself is not hidden.
bool is_hidden(char32_t code);
// It is drawn over the letter before it, and any number of them over the same one.
bool is_mark(char32_t code);

}  // namespace server
