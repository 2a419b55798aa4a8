#include "conf/tokens.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conf/account.hpp"
#include "conf/document.hpp"
#include "conf/names.hpp"
#include "conf/printer.hpp"
#include "conf/users.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/path_text.hpp"

namespace conf {
namespace {

std::optional<std::string> parse_sha256(std::string_view text) {
  constexpr std::size_t digits = 64;
  const bool hex =
      std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return hex && text.size() == digits ? std::optional(std::string(text)) : std::nullopt;
}

std::optional<std::string> parse_name(std::string_view text) {
  return is_user_name(text) ? std::optional(std::string(text)) : std::nullopt;
}

constexpr Kind<std::string> sha256{"64 hexadecimal digits", parse_sha256};
constexpr Kind<std::string> token_name{"1 to 32 of the characters A-Z a-z 0-9 . _ -", parse_name};

void read_tokens(Section& section, std::vector<Token>& tokens) {
  const auto read = [](Section& entry, Token& token) {
    entry.text("name", token_name, token.name);
    entry.choice("role", token_roles, token.role);
    entry.text("sha256", sha256, token.sha256);
    if (token.name.empty() || token.sha256.empty()) entry.error("needs name and sha256");
  };
  section.sections("tokens", read, tokens);
}

}  // namespace

std::vector<Token> load_tokens(const std::filesystem::path& file) {
  std::vector<Token> tokens;
  const auto text = read_whole(file);
  if (!text) return tokens;
  refuse_open_file(file, "what opens the page's API");
  read_document(*text, storage::utf8_of(file), read_tokens, tokens);
  return tokens;
}

void save_tokens(const std::vector<Token>& tokens, const std::filesystem::path& file) {
  Printer printer(Form::yaml);
  if (tokens.empty()) {
    printer.texts("tokens", {});
  } else {
    printer.open_list("tokens");
    for (const auto& token : tokens) {
      printer.open_item();
      printer.text("name", token.name);
      printer.text("role", name_of(token.role, token_roles));
      printer.text("sha256", token.sha256);
      printer.close();
    }
    printer.close_list();
  }
  storage::write_durably(file, "# Kept by `apdepot token`.\n" + printer.take(), 0600);
}

}  // namespace conf
