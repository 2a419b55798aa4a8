#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/files/ending.hpp"
#include "server/files/running.hpp"
#include "server/http/byte_stream.hpp"
#include "server/http/image_common.hpp"
#include "server/http/image_reply.hpp"
#include "server/http/image_request.hpp"

namespace server::event {
enum class Limit;
struct Remapped;
}  // namespace server::event

namespace server::http {

// One connection of a client that fetches images: request after request, each answered with a file, a list of
// a folder or a refusal in a line. Files go out by sendfile where memory holds their bytes, and else by way
// of a worker. Ends a client that is slow with its request or reads nothing. Lives on the loop; the service,
// and whatever it waits for, hold it.
class ImageConnection final : public Moving, public std::enable_shared_from_this<ImageConnection> {
 public:
  using Clock = std::chrono::steady_clock;
  // For a request's header and a handshake; for the next request, and for a client to take some bytes.
  static constexpr std::chrono::seconds header_time{10}, idle_time{60};

  // `place` is given up with it.
  ImageConnection(std::shared_ptr<ImageCommon> common, ByteStream stream, const net::ip::address& client,
                  Shares::Share place);

  void start(std::function<void()> on_end);
  void drain();  // ends once it has answered
  void stop();   // the server ends
  bool is_sending() const { return file_ != nullptr; }

  Moved moved() const override;
  void stop_by_administrator() override;

 private:
  using Asked = std::expected<ImageRequest, BadRequest>;
  using Ending = protocols::Ending;
  struct Filled {
    std::vector<std::byte> bytes;
    std::error_code error;
    bool changed = false;  // the file is not what it was when it was opened
  };

  net::awaitable<void> run();
  net::awaitable<bool> shake_hands();
  net::awaitable<std::optional<Asked>> next_request();
  net::awaitable<bool> answer(const Asked& asked);
  net::awaitable<bool> answer_target(const std::string& target);
  net::awaitable<std::optional<bool>> send_list(const std::string& name, const std::string& query);
  net::awaitable<bool> send_found(storage::Found found);
  net::awaitable<bool> refuse(const storage::Miss& miss);
  net::awaitable<bool> refuse(unsigned status, std::string_view why, std::string_view header = {});
  net::awaitable<bool> send_refusal(unsigned status, std::string_view why, std::string_view header = {});
  net::awaitable<bool> limited(event::Limit limit);
  void tell_requested(const event::Remapped* remapped = nullptr) const;
  void tell_answered(unsigned status, std::string_view what) const;

  net::awaitable<Ending> deliver(const std::string& head);
  net::awaitable<std::optional<Ending>> send_body();
  net::awaitable<std::optional<Ending>> send_buffered();
  net::awaitable<std::optional<Ending>> send_slice(std::uint64_t most);
  net::awaitable<std::optional<Ending>> prefetch(std::uint64_t size);
  net::awaitable<std::optional<Ending>> fill(std::uint64_t size, bool last);
  net::awaitable<Ending> confirmed();
  void tell_ended(Ending how, const ImageReply& reply, const std::string& path, const std::string& version);
  bool is_in_memory(std::uint64_t size);
  std::uint64_t bytes_taken() const;
  Ending lost() const;

  net::awaitable<bool> write_all(std::string_view text);
  net::awaitable<bool> wait(tcp::socket::wait_type what);
  net::awaitable<bool> wait_after(ByteStream::State state);
  net::awaitable<void> say_goodbye();
  void expect_within(Clock::duration time);
  void watch();
  void cancel();
  bool is_over() const { return timed_out_ || stopped_; }

  const std::shared_ptr<ImageCommon> common_;
  ByteStream stream_;
  const net::ip::address address_;
  const std::string client_;
  const Shares::Share place_;
  RequestReader reader_;
  net::steady_timer timer_, pause_;
  Clock::time_point deadline_, armed_for_ = Clock::time_point::max();
  bool waiting_ = false;  // for the client
  bool timed_out_ = false, draining_ = false, idle_ = false, said_end_ = false;
  std::optional<protocols::Cause> stopped_;

  // Of the request that is answered.
  std::uint64_t number_ = 0;
  ImageRequest request_;
  std::string asked_;
  bool keep_ = false;

  // Of the file that is sent.
  std::shared_ptr<const storage::File> file_;
  protocols::http::Span body_;
  std::uint64_t at_ = 0;           // so far it was handed to the system
  std::vector<std::byte> buffer_;  // what a worker has read, from at_ on
  std::size_t buffered_ = 0;       // where in it at_ is
  std::uint64_t known_until_ = 0;  // memory held the bytes up to here,
  Clock::time_point known_at_;     // when it was asked
  bool prefetched_ = false;
  Clock::time_point began_, moved_at_;
  Running::Entry running_;
};

}  // namespace server::http
