#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "server/events/event.hpp"
#include "server/events/rare_warnings.hpp"
#include "server/loop/one_thread.hpp"

namespace server {

// The one stream. Everything that tells about the server (log, counters, status, history) listens to it;
// nobody else formats a line. Belongs to the loop's thread; listeners must not block.
class Events {
 public:
  using Listener = std::function<void(const Event&)>;
  void listen(Listener listener) { listeners_.push_back(std::move(listener)); }
  std::uint64_t next_number();  // of a request or SSH session
  void warn(Warning kind, std::string text);
  // About what a client can bring about as often as it likes: of each kind one in ten seconds, with the
  // number of those that were not told. What a client chose does not belong into `text`: the line of its
  // request or session has that.
  void warn_rarely(Warning kind, const std::string& text);
  void emit(const Event& event) const;

 private:
  std::vector<Listener> listeners_;
  std::uint64_t last_number_ = 0;
  RareWarnings rare_;
  OneThread thread_;
};

}  // namespace server
