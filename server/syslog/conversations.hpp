#pragma once
#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "server/diagnosis/finding.hpp"

namespace server {

// What devices said before, each by its address: which image an access point asked for, which URL a
// controller began to fetch, and whether its failure was told. Of so many devices at most; beyond, the one
// that was silent longest is forgotten. Bookkeeping alone; lives on the loop.
class Conversations {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::minutes memory{10};
  static constexpr std::size_t most = 1'000;

  // What `client` said before `message`, and nothing where `message` repeats a failure that was told: by the
  // device itself, by the access point's controller, or by an access point of the controller.
  std::optional<SaidBefore> hear(const std::string& client, const storage::LogMessage& message,
                                 Clock::time_point now);
  std::size_t remembered() const { return places_.size(); }

 private:
  struct Device {
    std::string client;
    SaidBefore before{};
    Clock::time_point at{};                         // of its latest line
    std::optional<Clock::time_point> failed{};      // with a cause
    std::optional<Clock::time_point> complained{};  // as a controller, of an access point without its image
    std::optional<Clock::time_point> blamed{};      // by an access point that asked it
  };
  Device& device(const std::string& client);
  bool has_told(const Device& speaker, const storage::LogMessage& message, Clock::time_point now) const;
  void note(const std::string& client, const storage::LogMessage& message, Clock::time_point now);

  std::list<Device> devices_;  // who was heard of last first
  std::unordered_map<std::string, std::list<Device>::iterator> places_;
};

}  // namespace server
