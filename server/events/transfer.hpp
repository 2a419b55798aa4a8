#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "protocols/files/ending.hpp"
#include "server/events/protocol.hpp"
#include "storage/lookup/miss.hpp"
#include "storage/lookup/rule.hpp"

// A file's way to or from a client, whatever the protocol, and the request for one that is not there: all
// that history, counters and pages need. `number` counts requests and SSH sessions together; `client` is an
// address without its port. Texts that came from a client are raw: a listener escapes them.
namespace server::event {

// What was asked for is served under another name, by a forgiving rule or an alias.
struct Remapped {
  std::string to;
  storage::Rule rule;
};

// What only TFTP tells of a transfer.
struct TftpDetails {
  std::uint16_t block_size, window;
  std::uint64_t resent;
  int tries;  // since the client's last answer
  bool netascii = false;
  bool damages = false;  // an image went as a text: bytes that no text has were converted
  bool by_broadcast = false;
  bool single_port = false;  // tftp.single_port
};

// What only HTTP tells of a transfer.
struct HttpDetails {
  unsigned status;      // 200, or 206 for a part of the file
  std::uint64_t first;  // the offset of the first byte that was asked for
};

// A transfer over any protocol has begun: a TFTP client has answered for the first time (whoever never
// answers may never have asked), a file was opened over SFTP or SCP, or its bytes begin to go out over HTTP.
struct TransferBegan {
  std::uint64_t number;  // as in TransferEnded
  Protocol protocol;
  std::string client, user, asked, name;
  bool write;
  std::optional<std::uint64_t> size;
  std::uint16_t block_size = 0, window = 0;  // TFTP's
};

// A transfer over any protocol is over. Its ending in words is server/text/ending_text's.
struct TransferEnded {
  std::uint64_t number;  // of the TFTP or HTTP request, or of the SSH session
  Protocol protocol;
  std::string client, user;  // no user: TFTP and HTTP have none
  std::string asked;         // the name as the client wrote it
  std::string name;          // the file's path; of an upload that which it has, or would have had
  bool write;
  std::optional<std::uint64_t> size;  // of the file when it was opened, or as the client announced it
  std::uint64_t bytes;                // that both sides have
  double seconds;
  protocols::Ending how;
  std::optional<TftpDetails> tftp = {};
  std::optional<HttpDetails> http = {};
};

// A request for a file that is not there.
struct Missed {
  std::uint64_t number;
  Protocol protocol;
  std::string client, asked;  // the name as the client wrote it, or as near to that as is known
  storage::Miss miss;
};

}  // namespace server::event
