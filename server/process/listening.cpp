#include "server/process/listening.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conf/endpoint.hpp"
#include "conf/settings.hpp"
#include "server/events/events.hpp"
#include "server/events/warning.hpp"
#include "server/loop/workers.hpp"
#include "server/os/addresses.hpp"
#include "server/os/port_words.hpp"
#include "server/os/service_manager.hpp"
#include "server/process/address_plan.hpp"

namespace server {
namespace {

template <class Names>
using Socket = std::conditional_t<Names::is_udp, udp::socket, tcp::acceptor>;

// The address of `open` that stands in the way of `endpoint`.
const conf::Endpoint* overlap(const std::vector<conf::Endpoint>& open, const conf::Endpoint& endpoint) {
  const auto found = std::ranges::find_if(open, [&](const auto& other) {
    return conf::clash_of({other, endpoint}).has_value();
  });
  return found == open.end() ? nullptr : &*found;
}

template <class Names>
std::string failure(const conf::Endpoint& endpoint, const error_code& error) {
  if (error == net::error::access_denied)
    if (auto text = port_denied_later(Names::unit)) return std::move(*text);
  return listen_failure<Names>(endpoint, error);
}

// All of `plan.open`, or the reason why not, which may take a worker to find out.
template <class Names>
std::expected<std::vector<Listener<Socket<Names>>>, std::function<std::string()>> open_new(
    net::io_context& loop, const AddressPlan& plan, const std::vector<conf::Endpoint>& wanted) {
  if (const auto text = unknown_interface(plan.open)) return std::unexpected([text] { return *text; });
  std::vector<Listener<Socket<Names>>> opened;
  for (const auto& endpoint : plan.open) {
    if (const auto* const other = overlap(plan.close, endpoint))
      return std::unexpected([text = fmt::format("{} overlaps with {}, which is open: restart the server",
                                                 endpoint.text(), other->text())] { return text; });
    error_code error;
    auto socket = open_listener<Names>(loop, endpoint, error);
    if (socket) {
      opened.push_back({endpoint, std::move(*socket)});
    } else if (!may_be_missed(endpoint, error, wanted)) {
      return std::unexpected(
          [endpoint, error] { return endpoint.text() + ": " + failure<Names>(endpoint, error); });
    }
  }
  return opened;
}

}  // namespace

void Listening::begin(Listeners& listeners) {
  for (auto& each : listeners.tftp)
    serve<TftpNames>(tftp_, tftp_open_, std::move(each.wanted), std::move(each.socket));
  for (auto& each : listeners.ssh)
    serve<SshNames>(ssh_, ssh_open_, std::move(each.wanted), std::move(each.socket));
  for (auto& each : listeners.http)
    serve<HttpNames>(images_.plain(), http_open_, std::move(each.wanted), std::move(each.socket));
  for (auto& each : listeners.https)
    serve<HttpsNames>(images_.secure(), https_open_, std::move(each.wanted), std::move(each.socket));
  for (auto& each : listeners.syslog)
    serve<SyslogNames>(syslog_, syslog_open_, std::move(each.wanted), std::move(each.socket));
  keep(tftp_open_);
  keep(ssh_open_);
  keep(http_open_);
  keep(https_open_);
  keep(syslog_open_);
}

void Listening::follow(const conf::Settings& settings) {
  follow(tftp_, tftp_open_, settings.tftp.listen);
  follow(ssh_, ssh_open_, settings.ssh.listen);
  follow(images_.plain(), http_open_, settings.http.endpoints(false));
  follow(images_.secure(), https_open_, settings.http.endpoints(true));
  follow(syslog_, syslog_open_, settings.syslog.listen);
}

void Listening::tell(std::string text) const { events_.warn(Warning::addresses, std::move(text)); }

void Listening::tell_failed(std::string what, Why why) {
  workers_.run([what = std::move(what), why = std::move(why)] { return what + why(); },
               [this](std::optional<std::string> text) {
                 if (text) tell(std::move(*text));
               });
}

template <class Names, class Service, class Socket>
void Listening::serve(Service& service, std::vector<Open<Names>>& open, std::optional<conf::Endpoint> wanted,
                      Socket socket) {
  open.push_back({std::move(wanted), socket.local_endpoint(), socket.native_handle()});
  service.serve(std::move(socket));
}

template <class Names, class Service>
void Listening::follow(Service& service, std::vector<Open<Names>>& open,
                       const std::vector<conf::Endpoint>& wanted) {
  std::vector<conf::Endpoint> handed_over, running;
  for (const auto& each : open) {
    if (each.wanted)
      running.push_back(*each.wanted);
    else
      handed_over.push_back({each.bound.address().to_string(), each.bound.port()});
  }
  auto plan = plan_addresses(Names::key, Names::unit, wanted, handed_over, running);
  if (plan.open.empty() && plan.close.empty()) return;
  auto opened = open_new<Names>(loop_, plan, wanted);
  if (!opened) {
    return tell_failed(fmt::format("{} is not changed, the old addresses are served: cannot listen on {} ",
                                   Names::key, Names::word),
                       opened.error());
  }
  for (auto& each : *opened) {
    tell(fmt::format("{} {} is served from now on", Names::service, text_of(each.socket.local_endpoint())));
    serve<Names>(service, open, std::move(each.wanted), std::move(each.socket));
  }
  std::erase_if(open, [&](const Open<Names>& each) {
    if (!each.wanted || std::ranges::find(plan.close, *each.wanted) == plan.close.end()) return false;
    service.close(each.bound);
    tell(fmt::format("{} {} is not served any more", Names::service, text_of(each.bound)));
    return true;
  });
  for (auto& note : plan.notes) tell(std::move(note));
  drop_kept(Names::kept);
  keep(open);
}

void Listening::open_again(const conf::Endpoint& endpoint) {
  open_again(tftp_, tftp_open_, endpoint);
  open_again(ssh_, ssh_open_, endpoint);
  open_again(images_.plain(), http_open_, endpoint);
  open_again(images_.secure(), https_open_, endpoint);
  open_again(syslog_, syslog_open_, endpoint);
}

template <class Names, class Service>
void Listening::open_again(Service& service, std::vector<Open<Names>>& open, const conf::Endpoint& endpoint) {
  const auto old = std::ranges::find(open, std::optional(endpoint), &Open<Names>::wanted);
  if (old == open.end()) return;
  error_code error;
  auto socket = open_listener<Names>(loop_, endpoint, error);
  if (!socket)
    return tell_failed(fmt::format("nothing is heard on {} {} any more: its interface was made again, and ",
                                   Names::service, endpoint.text()),
                       [endpoint, error] { return failure<Names>(endpoint, error); });
  service.close(old->bound);
  open.erase(old);
  serve<Names>(service, open, endpoint, std::move(*socket));
  tell(fmt::format("{} {} is served again: its interface was made again", Names::service, endpoint.text()));
  drop_kept(Names::kept);
  keep(open);
}

template <class Names>
void Listening::keep(const std::vector<Open<Names>>& open) const {
  for (const auto& each : open)
    if (each.wanted) keep_socket(each.handle, Names::kept);
}

std::string Listening::text() const {
  std::string text;
  for (const auto& each : tftp_open_) text += fmt::format("tftp {}, ", text_of(each.bound));
  for (const auto& each : ssh_open_) text += fmt::format("ssh {}, ", text_of(each.bound));
  for (const auto& each : http_open_) text += fmt::format("http {}, ", text_of(each.bound));
  for (const auto& each : https_open_) text += fmt::format("https {}, ", text_of(each.bound));
  for (const auto& each : syslog_open_) text += fmt::format("syslog {}, ", text_of(each.bound));
  return text;
}

std::vector<std::string> Listening::http() const {
  auto all = texts(http_open_);
  for (const auto& each : texts(https_open_)) all.push_back("https://" + each);
  return all;
}

bool Listening::on_usual_ports() const {
  return std::ranges::all_of(tftp_open_, [](const auto& each) { return each.bound.port() == 69; }) &&
         std::ranges::all_of(ssh_open_, [](const auto& each) { return each.bound.port() == 22; });
}

}  // namespace server
