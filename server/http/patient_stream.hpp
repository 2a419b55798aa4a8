#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include "protocols/files/ending.hpp"
#include "server/http/byte_stream.hpp"
#include "server/loop/workers.hpp"

namespace server::http {

// A ByteStream whose client must go on in time: to wait for it ends at a deadline, and when the server ends
// it. Lives on the loop.
class PatientStream final : public std::enable_shared_from_this<PatientStream> {
 public:
  using Clock = std::chrono::steady_clock;
  // For a client to take some bytes.
  static constexpr std::chrono::seconds idle_time{60};

  PatientStream(net::io_context& loop, ByteStream stream);

  ByteStream& bytes() { return stream_; }
  const ByteStream& bytes() const { return stream_; }
  void expect_within(Clock::duration time);
  // These are false where nothing more goes over this connection.
  net::awaitable<bool> wait(tcp::socket::wait_type what);
  net::awaitable<bool> wait_after(ByteStream::State state);
  net::awaitable<bool> write_all(std::string_view text);  // others have their turn in between
  net::awaitable<bool> shake_hands(Workers& workers);
  // As time in which the client is waited for.
  net::awaitable<void> pause(Clock::duration time);

  void end_sending();  // the client sees the end
  net::awaitable<void> say_goodbye();
  void interrupt();  // what waits goes on
  void stop(protocols::Cause why);
  void close();

  bool is_over() const { return timed_out_ || stopped_; }
  protocols::Ending lost() const;  // why it is over, or was cut

 private:
  void watch();

  ByteStream stream_;
  net::steady_timer timer_, pause_;
  Clock::time_point deadline_, armed_for_ = Clock::time_point::max();
  bool waiting_ = false;  // for the client
  bool timed_out_ = false, said_end_ = false;
  std::optional<protocols::Cause> stopped_;
};

}  // namespace server::http
