#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace server {

class Event;

// The latest that one client asked for, and how far that got.
struct SeenRequest {
  enum class Stage : std::uint8_t {
    knocked,    // a connection, and no more
    refused,    // a connection, login or request that was not let in
    missed,     // there is no such file
    asked,      // over TFTP, and the client has not answered what was sent
    began,      // the transfer runs
    broke_off,  // it ended before its time
    fetched     // the client has what it wanted
  };
  std::string client;  // its address
  std::string
      asked;  // raw, as the client wrote it, at most 512 bytes; empty where only its connection was seen
  Stage stage = Stage::knocked;
  std::chrono::steady_clock::time_point at;
};

// Who asked this server for what within the last minutes: what a controller's "Timed out" is compared with.
// Bookkeeping alone, of so many clients at most; lives on the loop.
class RequestsSeen {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes period{2};    // a controller gives up after 40 s
  static constexpr std::size_t most_clients = 2'000;  // beyond, the one that asked longest ago is forgotten

  void note(const Event& event, Clock::time_point now);
  // The latest of `client`, if it is not too long ago.
  std::optional<SeenRequest> of(const std::string& client, Clock::time_point now) const;
  // The latest of anybody for a file of this name, whatever its folder.
  std::optional<SeenRequest> for_file(std::string_view name, Clock::time_point now) const;

  std::size_t remembered() const { return places_.size(); }

 private:
  void take(const std::string& client, std::string_view asked, SeenRequest::Stage stage,
            Clock::time_point now);

  using Requests = std::list<SeenRequest>;
  Requests requests_;  // one a client, the latest first
  std::unordered_map<std::string, Requests::iterator> places_;
};

}  // namespace server
