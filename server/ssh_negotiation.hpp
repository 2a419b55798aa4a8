#pragma once
#include <string>
#include <vector>

#include "server/events.hpp"
#include "server/ssh_ending.hpp"
#include "server/ssh_handles.hpp"

namespace server {

// The algorithms that a connection's first key exchange agreed on. libssh 0.10 has no question for the host
// key's algorithm, nor for the name of a group exchange: but it logs them all, and can be heard. Used by one
// thread at a time.
class SshNegotiation {
 public:
  // While it lives, libssh is heard on this thread.
  class Ear {
   public:
    explicit Ear(SshNegotiation& heard);
    ~Ear();
    Ear(const Ear&) = delete;
    Ear& operator=(const Ear&) = delete;
  };

  // The new keys are in use.
  bool complete(ssh_session session) const { return !names_.empty() && ssh_get_cipher_in(session); }
  event::SshNegotiated told(const SshPeer& peer) const;  // once it is complete

 private:
  static void on_line(int level, const char* function, const char* line, void* self);

  std::vector<std::string> names_;  // in the order of KEXINIT (RFC 4253 7.1)
};

}  // namespace server
