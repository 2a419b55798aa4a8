#include "server/doctor/keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <span>
#include <system_error>

#include "conf/settings.hpp"
#include "server/accounts/ssh_handles.hpp"
#include "server/doctor/check.hpp"
#include "server/os/host_text.hpp"
#include "server/text/escape.hpp"
#include "storage/files/path_text.hpp"
#include "storage/files/plain_file.hpp"
#include "storage/files/privacy.hpp"

namespace server::doctor {
namespace {

using Found = KeyFile::Found;

constexpr std::size_t longest_key = 64 << 10;  // bytes of the file

std::string content_of(const storage::File& file) {
  std::string text(longest_key, '\0');
  const std::array pieces{std::as_writable_bytes(std::span(text))};
  const auto count = file.read(pieces, 0);
  if (!count) throw std::system_error(count.error());
  text.resize(*count);
  return text;
}

Result run(const Sight& sight) {
  if (sight.settings->ssh.listen.empty()) return all_well("SFTP is switched off: ssh.listen is []");
  std::vector<KeyFile> keys;
  for (const auto* name : {"ssh_host_rsa_key", "ssh_host_ed25519_key"})
    keys.push_back(read_key_file(sight.depot->state() / name));
  return judge_keys(keys, sight.server.server.has_value());
}

}  // namespace

KeyFile read_key_file(const std::filesystem::path& file) {
  try {
    const auto opened = storage::open_plain_file(file);
    if (storage::have_access(storage::Others::anybody, file)) return {file, Found::open_to_others, {}};
    ssh_key raw = nullptr;
    if (ssh_pki_import_privkey_base64(content_of(opened).c_str(), nullptr, nullptr, nullptr, &raw) != SSH_OK)
      return {file, Found::damaged, {}};
    const ssh::Key key(raw);
    return {file, Found::good,
            fmt::format("{} {}", ssh::text(ssh_key_type_to_char(ssh_key_type(key.get()))),
                        ssh::fingerprint(key.get()))};
  } catch (const std::system_error& e) {
    const bool missing = e.code() == std::errc::no_such_file_or_directory;
    return {file, missing ? Found::missing : Found::unreadable, e.code().message()};
  }
}

Result judge_keys(const std::vector<KeyFile>& keys, bool running) {
  Result result;
  std::vector<std::string> good;
  for (const auto& key : keys) {
    const auto file = escaped(storage::utf8_of(key.file), whole),
               remedy = escaped(storage::command_against(storage::Others::anybody, key.file), whole);
    switch (key.found) {
      case Found::good:
        good.push_back(key.text);
        break;
      case Found::missing:
        if (running) {
          result.fails(fmt::format("{} is gone, and the server made it at its start: the next start makes "
                                   "another one, and devices will warn of a changed host key",
                                   file),
                       "put it back from a backup of state/ before the server starts again");
        } else {
          result.look(fmt::format("{} is not there yet: the server makes it when it starts", file));
        }
        break;
      case Found::open_to_others:
        result.fails(fmt::format("{} can be read by others, and the server refuses it", file), remedy);
        break;
      case Found::unreadable:
        result.fails(fmt::format("{} cannot be read: {}", file, key.text), remedy);
        break;
      case Found::damaged:
        result.fails(fmt::format("{} is not a private key that can be read without a passphrase", file),
                     fmt::format("{} && {}; devices will warn of a changed host key",
                                 host::move(file, file + ".damaged"), host::restart));
        break;
    }
  }
  return std::move(result).or_ok(fmt::format("{}", fmt::join(good, ", ")));
}

const Check keys_check{"host-keys", "host keys", nullptr, run, true};

}  // namespace server::doctor
