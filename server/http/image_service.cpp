#include "server/http/image_service.hpp"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "conf/settings.hpp"
#include "server/events/events.hpp"
#include "server/events/http.hpp"
#include "server/events/tftp.hpp"
#include "server/loop/lanes.hpp"
#include "server/loop/live_settings.hpp"
#include "server/loop/succeeds.hpp"
#include "server/os/descriptors.hpp"

namespace server::http {
namespace {

using namespace std::chrono_literals;

constexpr int accepted_at_once = 16;
// A socket and a file each; TFTP has half of all descriptors, and SSH what it is configured to.
constexpr std::size_t descriptors_each = 2, share_of_descriptors = 8;
constexpr std::size_t fewest = 8;

}  // namespace

ImageService::ImageService(net::io_context& loop, Lanes& lanes, Events& events, const LiveSettings& settings,
                           Library& library, Running& running)
    : common_(std::make_shared<ImageCommon>(loop, lanes, events, settings, library, running)) {
  heed_settings();
}

// As for TFTP one address leaves an eighth to the others.
void ImageService::heed_settings() {
  const auto& tftp = common_->settings->tftp;
  const auto fit = std::max(most_descriptors() / share_of_descriptors / descriptors_each, fewest);
  const auto all = std::min<std::size_t>(fit, tftp.max_transfers);
  const auto each = all > 1 ? all - std::max<std::size_t>(all / 8, 1) : all;
  places_.bound(all, std::min<std::size_t>(each, tftp.max_transfers_per_address));
}

void ImageService::use(std::shared_ptr<net::ssl::context> context) {
  context_ = std::move(context);
  for (const auto& listener : listeners_)
    if (!listener->listens && listener->acceptor.is_open()) listen(listener);
}

void ImageService::serve(tcp::acceptor acceptor, bool tls) {
  const auto& listener = listeners_.emplace_back(std::make_shared<Listener>(std::move(acceptor), tls));
  listener->acceptor.non_blocking(true);
  if (!tls || context_) listen(listener);
}

void ImageService::close(const tcp::endpoint& address) {
  std::erase_if(listeners_, [&](const std::shared_ptr<Listener>& listener) {
    error_code error;
    if (listener->acceptor.local_endpoint(error) != address || error) return false;
    listener->acceptor.close(error);
    listener->pause.cancel();
    return true;
  });
}

void ImageService::stop_listening() {
  error_code ignored;
  for (const auto& listener : listeners_) {
    listener->acceptor.close(ignored);
    listener->pause.cancel();
  }
  for (const auto& [_, connection] : connections_) connection->drain();
}

void ImageService::stop() {
  for (const auto& [_, connection] : connections_) connection->stop();
}

std::size_t ImageService::running() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(connections_, [](const auto& each) { return each.second->is_sending(); }));
}

// As for TFTP and SSH, a wait takes no memory that there may not be: nobody could ask until a restart.
void ImageService::listen(const std::shared_ptr<Listener>& listener) {
  listener->listens = true;
  listener->wait.start(listener->acceptor, [this, listener] {
    if (!listener->acceptor.is_open()) return;
    if (accept(*listener)) return listen(listener);
    pause(listener);
  });
}

void ImageService::pause(const std::shared_ptr<Listener>& listener) {
  listener->pause.expires_after(100ms);
  listener->pause.async_wait(
      net::bind_allocator(listener->pause_memory.allocator(), [this, listener](error_code) {
        if (listener->acceptor.is_open()) listen(listener);
      }));
}

// Those that wait, or some of them. False when there is no descriptor or no memory for one.
bool ImageService::accept(Listener& listener) noexcept {
  bool enough = true;
  for (int i = 0; i < accepted_at_once && enough; ++i) {
    bool more = false;
    enough = succeeds([&] {
      tcp::socket socket(common_->loop);
      error_code error;
      listener.acceptor.accept(socket, error);
      more = error != net::error::would_block;
      // Windows says reset of who is gone already.
      if (!more || error == net::error::connection_aborted || error == net::error::connection_reset) return;
      if (error) throw std::system_error(error);
      start(std::move(socket), listener.tls);
    });
    if (!more) break;
  }
  return enough;
}

// Closes a connection that has no place. Whom tftp.deny or tftp.allow keeps out hears that in the clear,
// where it costs no signature; his places are not the others'.
void ImageService::start(tcp::socket socket, bool tls) {
  error_code error;
  const auto client = socket.remote_endpoint(error).address();
  if (error) return;
  const auto drop = [&](event::Limit limit) {
    common_->events.emit(event::HttpLimited{common_->events.next_number(), client.to_string(), {}, limit, 0});
  };
  const auto barred = RequestRate::bar(client, common_->settings->tftp);
  if (barred && tls) return drop(*barred);
  auto place = (barred ? places_of_barred_ : places_).take_and_leave(client);
  if (!place)
    return drop(barred                    ? *barred
                : places_.are_all_taken() ? event::Limit::transfers
                                          : event::Limit::transfers_per_address);
  const auto connection = std::make_shared<ImageConnection>(
      common_, ByteStream(std::move(socket), tls ? context_ : nullptr), client, std::move(*place));
  connections_.emplace(connection.get(), connection);
  const auto end = [this, key = connection.get()] {
    connections_.erase(key);
    if (connections_.empty() && when_empty_) when_empty_();
  };
  if (!succeeds([&] { connection->start(end); })) end();
}

}  // namespace server::http
