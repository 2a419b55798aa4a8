#include "server/probe/resolve.hpp"

#include <fmt/format.h>

#include <exception>
#include <future>
#include <memory>
#include <thread>

namespace server::probe {
namespace {

Resolved ask(const std::string& host) {
  net::io_context loop;
  udp::resolver resolver(loop);
  error_code error;
  const auto found = resolver.resolve(host, "", error);
  if (error) return {{}, error.message()};
  Resolved resolved;
  for (const auto& entry : found) resolved.addresses.push_back(entry.endpoint().address());
  return resolved;
}

}  // namespace

Resolved resolve(const std::string& host, std::chrono::seconds patience) {
  error_code error;
  if (const auto address = net::ip::make_address(host, error); !error) return {{address}, {}};
  // Nothing cancels getaddrinfo: the thread owns all that it touches.
  auto answer = std::make_shared<std::promise<Resolved>>();
  auto waiting = answer->get_future();
  std::thread([answer, host] {
    try {
      answer->set_value(ask(host));
    } catch (...) {
      answer->set_exception(std::current_exception());
    }
  }).detach();
  if (waiting.wait_for(patience) == std::future_status::ready) return waiting.get();
  return {{}, fmt::format("the name service did not answer within {} s", patience.count())};
}

}  // namespace server::probe
