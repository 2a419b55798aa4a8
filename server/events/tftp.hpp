#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tftp {
enum class ErrorCode : std::uint16_t;
}

// What happens to TFTP's requests, each or in sum. Texts that came from a client are raw: a listener escapes
// them.
namespace server::event {

// An RRQ or WRQ that is served.
struct TftpRequested {
  std::uint64_t number;
  std::string client, name;
  bool write;
  const struct Remapped* remapped = nullptr;  // of a name that something else is served for
};

struct TftpRefused {  // an ERROR went out instead of a file
  std::uint64_t number;
  std::string client;
  tftp::ErrorCode code;
  bool by_broadcast = false;  // then nothing went out: another server may have the file
};

// Which key below `tftp` a request ran into.
enum class Limit { requests_per_second, denied, not_allowed, transfers_per_address, transfers };

struct TftpLimited {  // the request was dropped
  std::uint64_t number;
  std::string client, name;
  Limit limit;
};

// What happened to requests that are told in sum.
enum class Noise { refused, unanswered, limited };

constexpr std::size_t noise_kinds = 3;

// One kind of request in such a sum.
struct Repeated {
  std::string what;  // was told in full already: the cause and the name
  std::uint64_t count;
};

struct TftpNoise {       // `count` requests of one client that nothing else is told of
  std::uint64_t number;  // of the last one
  std::string client;
  Noise kind;
  std::uint64_t count;
  std::chrono::seconds period;
  std::vector<Repeated> repeated = {};  // of these, the most frequent first
};

}  // namespace server::event
