#include "protocols/scp/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace scp {
namespace {

constexpr std::size_t longest_command = 8192;
constexpr std::size_t longest_pattern = 1024;

using namespace std::string_view_literals;

constexpr auto blanks = " \t"sv;
constexpr auto shell_characters = ";&|<>()`$\n\r\0"sv;  // unquoted, each means more than itself
constexpr auto shell_characters_in_quotes = "`$\0"sv;   // in double quotes
constexpr auto escaped_in_quotes = "`$\"\\\n"sv;        // a backslash before any other is itself
constexpr auto pattern_characters = "*?["sv;
constexpr auto escaped_in_patterns = "*?[]!^-\\"sv;

bool is_one_of(std::string_view set, char c) { return set.find(c) != std::string_view::npos; }

class Word {
 public:
  void add(char c) {
    wild_ = wild_ || is_one_of(pattern_characters, c);
    name_.text += c;
    name_.pattern += c;
  }
  void add_quoted(char c) {
    if (is_one_of(escaped_in_patterns, c)) name_.pattern += '\\';
    name_.text += c;
    name_.pattern += c;
  }
  Name name() && {
    if (!wild_ || name_.pattern.size() > longest_pattern) name_.pattern.clear();
    return std::move(name_);
  }

 private:
  Name name_;
  bool wild_ = false;
};

// The words of a POSIX shell's command line that is one simple command without expansions.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  std::expected<std::vector<Name>, std::string> split() {
    std::vector<Name> words;
    while (skip_blanks()) {
      if (auto why = word()) return std::unexpected(std::move(*why));
      words.push_back(std::move(word_).name());
    }
    return words;
  }

 private:
  using Trouble = std::optional<std::string>;

  bool skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size()));
    return !rest_.empty();
  }
  char next() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  static std::string needs_shell(char c) { return fmt::format("'{}' would need a shell", c); }

  Trouble word() {
    word_ = {};
    if (rest_.front() == '#') return needs_shell('#');
    if (rest_ == "~" || rest_.starts_with("~/") || rest_.starts_with("~ "))
      rest_.remove_prefix(1), word_.add('.');
    while (!rest_.empty() && !is_one_of(blanks, rest_.front())) {
      if (auto why = part()) return why;
    }
    return {};
  }

  Trouble part() {
    const char c = next();
    if (c == '\'') return single_quoted();
    if (c == '"') return double_quoted();
    if (c == '\\') return escaped();
    if (is_one_of(shell_characters, c)) return needs_shell(c);
    word_.add(c);
    return {};
  }

  Trouble escaped() {
    if (rest_.empty()) return "a backslash at the end";
    const char c = next();
    if (c == '\0') return needs_shell(c);
    if (c != '\n') word_.add_quoted(c);  // or the line goes on
    return {};
  }

  Trouble single_quoted() {
    while (!rest_.empty()) {
      const char c = next();
      if (c == '\'') return {};
      if (c == '\0') return needs_shell(c);
      word_.add_quoted(c);
    }
    return "a quote that does not end";
  }

  Trouble double_quoted() {
    while (!rest_.empty()) {
      const char c = next();
      if (c == '"') return {};
      if (is_one_of(shell_characters_in_quotes, c)) return needs_shell(c);
      if (c == '\\' && !rest_.empty() && is_one_of(escaped_in_quotes, rest_.front())) {
        if (auto why = escaped()) return why;
      } else {
        word_.add_quoted(c);
      }
    }
    return "a quote that does not end";
  }

  std::string_view rest_;
  Word word_;
};

struct Options {
  Command command;
  bool from = false, to = false;
};

bool take(Options& options, char letter) {
  switch (letter) {
    case 'f':
      return options.from = true;
    case 't':
      return options.to = true;
    case 'p':
      return options.command.preserves_times = true;
    case 'r':
      return options.command.recursive = true;
    case 'd':
      return options.command.into_directory = true;
    default:
      // What concerns the other end only, and OpenSSH's scp takes as well.
      return is_one_of("vqBCTOR12346", letter);
  }
}

bool is_scp(std::string_view program) { return program.substr(program.rfind('/') + 1) == "scp"; }

}  // namespace

std::expected<Command, std::string> parse_command(std::string_view text) {
  if (text.size() > longest_command) return std::unexpected("a command that is too long");
  text = text.substr(0, text.find_last_not_of("\r\n") + 1);
  auto words = Words(text).split();
  if (!words) return std::unexpected(std::move(words.error()));
  if (words->empty() || !is_scp(words->front().text)) return std::unexpected("not scp");

  Options options;
  auto word = words->begin() + 1;
  for (; word != words->end() && word->text.size() > 1 && word->text[0] == '-'; ++word) {
    if (word->text == "--") {
      ++word;
      break;
    }
    for (const char letter : word->text.substr(1)) {
      if (!take(options, letter)) return std::unexpected(fmt::format("unknown option -{}", letter));
    }
  }
  if (options.from == options.to) return std::unexpected("it takes either -f or -t");
  auto& command = options.command;
  command.sends = options.from;
  command.names.assign(word, words->end());
  if (command.names.empty()) command.names.emplace_back();
  for (auto& name : command.names) {
    if (name.text.empty()) name.text = ".";
  }
  return command;
}

}  // namespace scp
