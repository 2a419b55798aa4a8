#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "protocols/files/ending.hpp"
#include "protocols/http/range.hpp"
#include "server/http/image_common.hpp"
#include "server/http/patient_stream.hpp"

namespace server::http {

// A file, or a span of it, on its way to a client: by sendfile where memory holds its bytes, and else by way
// of a worker. Its last bytes go out once it is sure that the file has not changed. Lives on the loop.
class ImageDelivery {
 public:
  using Clock = std::chrono::steady_clock;
  using Ending = protocols::Ending;

  ImageDelivery(ImageCommon& common, std::shared_ptr<PatientStream> stream,
                std::shared_ptr<const storage::File> file, const protocols::http::Span& body,
                const net::ip::address& client);

  // Until the client has confirmed all. `then_ends`: the client sees the end of the connection after it.
  net::awaitable<Ending> run(const std::string& head, bool then_ends);

  std::uint64_t bytes_taken() const;  // by the client
  Clock::time_point moved_at() const { return moved_at_; }

 private:
  struct Filled {
    std::vector<std::byte> bytes;
    std::error_code error;
    bool changed = false;  // the file is not what it was when it was opened
  };

  net::awaitable<std::optional<Ending>> send_body();
  net::awaitable<std::optional<Ending>> send_buffered();
  net::awaitable<std::optional<Ending>> send_slice(std::uint64_t most);
  net::awaitable<std::optional<Ending>> prefetch(std::uint64_t size);
  net::awaitable<std::optional<Ending>> fill(std::uint64_t size, bool last);
  net::awaitable<Ending> confirmed();
  bool is_in_memory(std::uint64_t size);
  void moved();

  ImageCommon& common_;
  const std::shared_ptr<PatientStream> stream_;
  const std::shared_ptr<const storage::File> file_;
  const protocols::http::Span body_;
  const net::ip::address source_;  // that disks are shared by
  std::uint64_t at_;               // so far it was handed to the system
  std::vector<std::byte> buffer_;  // what a worker has read, from at_ on
  std::size_t buffered_ = 0;       // where in it at_ is
  std::uint64_t known_until_ = 0;  // memory held the bytes up to here,
  Clock::time_point known_at_;     // when it was asked
  bool prefetched_ = false;
  Clock::time_point moved_at_ = Clock::now();
};

}  // namespace server::http
