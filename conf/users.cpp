#include "conf/users.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conf/account.hpp"
#include "conf/config_error.hpp"
#include "conf/document.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/privacy.hpp"

namespace conf {
namespace fs = std::filesystem;

// Anybody who may write the file could set a password of his own, so writing counts as well as reading.
void refuse_open_file(const fs::path& file, std::string_view what) {
  using storage::Others;
  if (!storage::have_access(Others::anybody, file)) return;
  throw ConfigError(fmt::format("{}: holds {}, and others than its owner have access to it; run: {}",
                                storage::utf8_of(file), what,
                                storage::command_against(Others::anybody, file)));
}

std::vector<User> load_users(const fs::path& file) {
  auto [users, mistakes] = load_usable_users(file);
  if (!mistakes.empty()) throw ConfigError(std::move(mistakes));
  return std::move(users);
}

UsableUsers load_usable_users(const fs::path& file) {
  UsableUsers usable;
  try {
    const auto text = read_whole(file);
    if (!text) return {};
    refuse_open_file(file, "password hashes");
    read_document(*text, storage::utf8_of(file), read_users, usable.users);
  } catch (const std::exception& error) {
    usable.mistakes = mistakes_of(error);
  }
  return usable;
}

void save_users(const std::vector<User>& users, const fs::path& file) {
  Printer printer(Form::yaml);
  print_users(printer, users, Secrets::written);
  const auto text = "# Kept by `apdepot user`.\n" + printer.take();
  std::vector<User> again;
  read_document(text, "what would be written to " + storage::utf8_of(file), read_users, again);
  storage::write_durably(file, text, 0600);
}

bool is_user_root(std::string_view root) { return root.starts_with('/') && root.find("..") == root.npos; }

bool is_user_name(std::string_view name) {
  constexpr std::size_t longest = 32;
  if (name.empty() || name.size() > longest || name.front() == '-' || name.front() == '.') return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace conf
