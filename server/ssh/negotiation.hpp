#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "server/accounts/ssh_handles.hpp"
#include "server/events/ssh.hpp"
#include "server/ssh/ending.hpp"

namespace server {

// How far a connection's key exchange is, the first one or a later one (RFC 4253 9), and what was agreed on;
// and which signatures were wrong. libssh 0.10 has no question for a later exchange, nor for the host key's
// algorithm or the name of a group exchange, and drops wrong signatures without a word: but it logs them all,
// and can be heard. Used by one thread at a time.
class SshNegotiation {
 public:
  // While it lives, libssh is heard on this thread.
  class Ear {
   public:
    enum class For { exchanges, logins };  // logins cost more: each packet is told
    Ear(SshNegotiation& heard, For what);
    ~Ear();
    Ear(const Ear&) = delete;
    Ear& operator=(const Ear&) = delete;
  };

  // The keys that were agreed on are in use.
  bool complete() const { return complete_ && !asked_; }
  // The client has agreed to new keys, and does not use them yet.
  bool runs() const { return !complete_; }
  // libssh has asked for new keys by itself, which it says nowhere.
  void ask() { asked_ = true; }
  std::uint64_t agreements() const { return agreements_; }  // so far
  event::SshNegotiated told(const SshPeer& peer) const;     // once it is complete
  // libssh's error when an exchange found nothing that both sides have; empty before. libssh may forget it:
  // it closes its socket then, and what it still had to write fails.
  const std::string& mismatch() const { return mismatch_; }
  // Whom the wrong signatures since the last call claimed to be, one name each; raw.
  std::vector<std::string> take_forged() { return std::exchange(forged_, {}); }

 private:
  static void on_line(int level, const char* function, const char* line, void* self) noexcept;
  void hear(const char* function, const char* line);

  std::vector<std::string> names_;  // in the order of KEXINIT (RFC 4253 7.1)
  bool complete_ = false, asked_ = false;
  std::uint64_t agreements_ = 0;
  std::string mismatch_;
  std::string user_;  // of the last request to log in
  std::vector<std::string> forged_;
};

}  // namespace server
