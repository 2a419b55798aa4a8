#include "server/ssh/negotiation.hpp"

#include <exception>
#include <string_view>
#include <utility>

namespace server {
namespace {

// libssh 0.11 logs an agreement and NEWKEYS at the level of debugging, where it has some lines for each
// packet of data too.
constexpr int exchanges_level =
    LIBSSH_VERSION_INT >= SSH_VERSION_INT(0, 11, 0) ? SSH_LOG_DEBUG : SSH_LOG_INFO;

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

SshNegotiation::Ear::Ear(SshNegotiation& heard, For what) {
  ssh_set_log_callback(on_line);
  ssh_set_log_userdata(&heard);
  ssh_set_log_level(what == For::logins ? SSH_LOG_TRACE : exchanges_level);
}

SshNegotiation::Ear::~Ear() { ssh_set_log_level(SSH_LOG_NONE); }

// libssh is C: nothing may be thrown through it. What is not understood for want of memory is missing later:
// an exchange stays incomplete, and the login's time ends.
void SshNegotiation::on_line(int, const char* function, const char* line, void* self) noexcept {
  try {
    static_cast<SshNegotiation*>(self)->hear(function, line);
  } catch (const std::exception&) {
    static_cast<SshNegotiation*>(self)->complete_ = false;
  }
}

// By the function that says it, for other lines hold what the client likes.
void SshNegotiation::hear(const char* function, const char* line) {
  const std::string_view who = function, text = line;
  if (who == "ssh_packet_newkeys") {
    if (text.ends_with("Received SSH_MSG_NEWKEYS")) complete_ = !names_.empty();
  } else if (who == "ssh_kex_select_methods") {
    const auto error = text.find(ssh_no_match);
    if (error != text.npos) {
      mismatch_ = text.substr(error);
      return;
    }
    constexpr std::string_view word = "Negotiated ";
    const auto found = text.find(word);
    if (found == text.npos) return;
    complete_ = asked_ = false;
    ++agreements_;
    auto names = split(text.substr(found + word.size()));
    if (names.size() >= places) names_ = std::move(names);
  } else if (who == "ssh_packet_userauth_request") {
    constexpr std::string_view request = "Auth request for service ", user = ", method publickey for user '";
    if (text.find(request) != text.npos) {
      const auto begin = text.find(user);
      user_ = begin == text.npos ? "" : text.substr(begin + user.size());
      if (user_.ends_with('\'')) user_.pop_back();
    } else if (text.ends_with("Received an invalid signature from peer")) {
      forged_.push_back(user_);
    }
  }
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
