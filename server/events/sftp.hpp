#pragma once
#include <cstdint>
#include <string>

#include "protocols/sftp/event.hpp"
#include "server/events/transfer.hpp"

// The requests of SFTP and SCP. Texts that came from a client are raw: a listener escapes them.
namespace server::event {

// A request of SFTP or SCP, in the words of sftp-server.
struct SftpHappened {
  std::uint64_t number;
  sftp::Event what;
};

struct SftpRemapped {  // told before the file's opening
  std::uint64_t number;
  std::string name;
  Remapped remapped;
};

// An error that SCP told, or was told.
struct ScpFailed {
  std::uint64_t number;
  std::string name, text;  // the name is empty when it is about none
  bool by_client;          // it told us
};

}  // namespace server::event
