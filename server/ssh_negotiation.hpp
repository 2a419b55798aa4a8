#pragma once
#include <string>
#include <vector>

#include "server/events.hpp"
#include "server/ssh_ending.hpp"
#include "server/ssh_handles.hpp"

namespace server {

// How far a connection's key exchange is, the first one or a later one (RFC 4253 9), and what was agreed on.
// libssh 0.10 has no question for a later one, nor for the host key's algorithm or the name of a group
// exchange: but it logs them all, and can be heard. Used by one thread at a time.
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

  // The keys that were agreed on are in use.
  bool complete() const { return complete_; }
  event::SshNegotiated told(const SshPeer& peer) const;  // once it is complete

 private:
  static void on_line(int level, const char* function, const char* line, void* self);

  std::vector<std::string> names_;  // in the order of KEXINIT (RFC 4253 7.1)
  bool complete_ = false;
};

}  // namespace server
