#include "server/ssh_negotiation.hpp"

#include <string_view>
#include <utility>

namespace server {
namespace {

enum Place : std::size_t { kex, host_key, cipher_in, cipher_out, mac_in, mac_out, places };

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> names;
  for (;;) {
    const auto comma = list.find(',');
    names.emplace_back(list.substr(0, comma));
    if (comma == list.npos) return names;
    list.remove_prefix(comma + 1);
  }
}

// AEAD ciphers need no MAC, whatever was agreed on (RFC 5647 5.1); sshd says so in this way.
std::string mac(const std::string& cipher, const std::string& name) {
  const bool implicit = cipher.find("gcm") != cipher.npos || cipher.starts_with("chacha20");
  return implicit ? "<implicit>" : name;
}

}  // namespace

SshNegotiation::Ear::Ear(SshNegotiation& heard) {
  ssh_set_log_callback(on_line);
  ssh_set_log_userdata(&heard);
  ssh_set_log_level(SSH_LOG_INFO);
}

SshNegotiation::Ear::~Ear() { ssh_set_log_level(SSH_LOG_NONE); }

void SshNegotiation::on_line(int, const char*, const char* line, void* self) {
  constexpr std::string_view word = "Negotiated ";
  auto& heard = *static_cast<SshNegotiation*>(self);
  const std::string_view text = line;
  if (text.ends_with("Received SSH_MSG_NEWKEYS")) heard.complete_ = !heard.names_.empty();
  const auto found = text.find(word);
  if (found == text.npos) return;
  heard.complete_ = false;
  auto names = split(text.substr(found + word.size()));
  if (names.size() >= places) heard.names_ = std::move(names);
}

event::SshNegotiated SshNegotiation::told(const SshPeer& peer) const {
  const auto& n = names_;
  return {peer.number,
          peer.client,
          peer.port,
          peer.banner,
          n[kex],
          n[host_key],
          n[cipher_in],
          n[cipher_out],
          mac(n[cipher_in], n[mac_in]),
          mac(n[cipher_out], n[mac_out])};
}

}  // namespace server
