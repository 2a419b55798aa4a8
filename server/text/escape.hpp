#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace server {

// Texts of others on one line for a person: the log's, or a command's on a terminal. Pure; any thread.

// How many characters of one such text a line takes, or what a client says would fill the disk:
constexpr std::size_t most_of_client = 200;   // a name as it was asked for, an error text, a banner, a user
constexpr std::size_t most_of_archive = 400;  // what an import finds in a bundle
constexpr std::size_t most_of_ours = 1024;    // a path that the administrator chose, a warning, a list
constexpr std::size_t whole = std::string_view::npos;
// And of the line as a whole, in bytes, whatever is put together on it.
constexpr std::size_t most_of_line = 2048;

// `hostile` with nothing in it that is not seen, or that a terminal obeys: a control character, a backslash
// and what is not UTF-8 become \n, \\, \x1b; what is_hidden(), and a mark without a letter below it or above
// four others, \u202e or \U000e0041; a blank at the start or the end, which nobody sees, \x20. Of what is
// longer than `most` characters, as they are shown, the end is left out: "aaa... (8821 bytes more)".
std::string escaped(std::string_view hostile, std::size_t most = most_of_client);

// The path of a file that is served. The administrator named it, and it stays whole; but not what lies in
// uploads/, which a client named.
std::string escaped_path(std::string_view path);

// `line`, put together of escaped texts, if it has at most `most` bytes; else its beginning and "...". No
// character and no escape is cut through.
std::string bounded_line(std::string line, std::size_t most = most_of_line);

}  // namespace server
