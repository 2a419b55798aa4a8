#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace storage {

// What a code point is to somebody who reads a line of a log or a terminal, or types a name. Pure; any
// thread.

// It shows nothing, or nothing that tells it from a space, or it changes what stands around it: controls,
// formats (U+202E turns text round), other blanks and ends of lines, variation selectors, tags, private use
// and noncharacters. The space itself is not hidden.
bool is_hidden(char32_t code);
// It is drawn over the letter before it, and any number of them over the same one.
bool is_mark(char32_t code);

// The character at the front, or at the end, of a text that is not empty. What is not well-formed UTF-8
// (Unicode 15, table 3-7) is one byte, and no code point.
struct Character {
  char32_t code = 0;  // of a byte that is no character: the byte
  std::size_t length = 1;
  bool valid = false;
};
// As JSON writes it where it must not stand itself: "\u202e", above U+FFFF a pair (RFC 8259 7).
std::string json_escape(char32_t code);
Character first_character(std::string_view text);
Character last_character(std::string_view text);

}  // namespace storage
