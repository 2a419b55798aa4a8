#include "server/ssh/host_keys.hpp"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "storage/depot/depot.hpp"
#include "storage/depot/staging.hpp"
#include "storage/files/durable.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/privacy.hpp"

namespace server {
namespace {

struct Kind {
  const char* file;
  ssh_keytypes_e type;
  int bits;
};
constexpr std::array kinds{Kind{"ssh_host_rsa_key", SSH_KEYTYPE_RSA, 3072},
                           Kind{"ssh_host_ed25519_key", SSH_KEYTYPE_ED25519, 0}};

void check_private(const std::filesystem::path& file) {
  using enum storage::Others;
  if (!storage::have_access(anybody, file)) return;
  throw std::runtime_error(fmt::format("the host key {} can be read by others: `{}`", storage::utf8_of(file),
                                       storage::command_against(anybody, file)));
}

ssh::Key load(const std::filesystem::path& file) {
  check_private(file);
  std::ifstream in(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  ssh_key key = nullptr;
  if (!in || ssh_pki_import_privkey_base64(text.c_str(), nullptr, nullptr, nullptr, &key) != SSH_OK) {
    throw std::runtime_error(fmt::format(
        "the host key {} cannot be read: repair it, or move it away to generate a new one (devices "
        "will warn about a changed key)",
        storage::utf8_of(file)));
  }
  return ssh::Key(key);
}

ssh::Key make(const Kind& kind, const std::filesystem::path& file) {
  ssh_key raw = nullptr;
  if (ssh_pki_generate(kind.type, kind.bits, &raw) != SSH_OK)
    throw std::runtime_error("cannot make a host key");
  ssh::Key key(raw);
  char* text = nullptr;
  if (ssh_pki_export_privkey_base64(key.get(), nullptr, nullptr, nullptr, &text) != SSH_OK) {
    throw std::runtime_error("cannot write a host key");
  }
  const std::unique_ptr<char, ssh::Deleter<ssh_string_free_char>> owner(text);
  storage::write_durably(file, text, 0600);
  return key;
}

// Of two servers that begin at once with a new depot one makes it, and the other must not show another.
ssh::Key load_or_make(const Kind& kind, const std::filesystem::path& file) {
  if (std::filesystem::exists(file)) return load(file);
  const storage::DirectoryLock others_wait(file.parent_path());
  return std::filesystem::exists(file) ? load(file) : make(kind, file);
}

}  // namespace

std::vector<HostKeyPair> load_or_make_host_keys(const storage::Depot& depot) {
  std::vector<HostKeyPair> keys;
  for (const auto& kind : kinds) {
    const auto file = depot.state() / kind.file;
    auto key = load_or_make(kind, file);
    auto fingerprint = ssh::fingerprint(key.get());
    keys.push_back({std::move(key), ssh_key_type_to_char(kind.type), std::move(fingerprint)});
  }
  return keys;
}

}  // namespace server
