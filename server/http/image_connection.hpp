#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/files/ending.hpp"
#include "server/files/running.hpp"
#include "server/http/byte_stream.hpp"
#include "server/http/image_common.hpp"
#include "server/http/image_delivery.hpp"
#include "server/http/image_reply.hpp"
#include "server/http/image_request.hpp"
#include "server/http/patient_stream.hpp"

namespace server::event {
enum class Limit;
struct Remapped;
}  // namespace server::event

namespace server::http {

// One connection of a client that fetches images: request after request, each answered with a file, a list of
// a folder or a refusal in a line. Ends a client that is slow with its request or reads nothing. Lives on the
// loop; the service, and whatever it waits for, hold it.
class ImageConnection final : public Moving, public std::enable_shared_from_this<ImageConnection> {
 public:
  // For a request's header and a handshake.
  static constexpr std::chrono::seconds header_time{10};

  // `place` is given up with it.
  ImageConnection(std::shared_ptr<ImageCommon> common, ByteStream stream, const net::ip::address& client,
                  Shares::Share place);

  void start(std::function<void()> on_end);
  void drain();  // ends once it has answered
  void stop();   // the server ends
  bool is_sending() const { return delivery_.has_value(); }

  Moved moved() const override;
  void stop_by_administrator() override;

 private:
  using Asked = std::expected<ImageRequest, BadRequest>;
  using Ending = protocols::Ending;

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

  void tell_ended(Ending how, const ImageReply& reply, const std::string& path, const ServedFile& file);

  const std::shared_ptr<ImageCommon> common_;
  const std::shared_ptr<PatientStream> stream_;
  const net::ip::address address_;
  const std::string client_;
  const Shares::Share place_;
  RequestReader reader_;
  bool draining_ = false, idle_ = false;

  // Of the request that is answered.
  std::uint64_t number_ = 0;
  ImageRequest request_;
  std::string asked_;
  bool keep_ = false;

  // Of the file that is sent.
  std::optional<ImageDelivery> delivery_;
  std::chrono::steady_clock::time_point began_;
  Running::Entry running_;
};

}  // namespace server::http
