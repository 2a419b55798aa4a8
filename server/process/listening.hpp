#pragma once
#include <functional>
#include <string>
#include <vector>

#include "server/http/image_service.hpp"
#include "server/process/listen.hpp"
#include "server/ssh/listener.hpp"
#include "server/syslog/listener.hpp"
#include "server/tftp/listener.hpp"

namespace conf {
struct Settings;
}  // namespace conf

namespace server {

class Events;
class Workers;

// The addresses that are served: hands the sockets to the services, and follows a configuration that changes.
// Lives on the loop; outlived by what it is given.
class Listening {
 public:
  Listening(net::io_context& loop, Workers& workers, Events& events, TftpService& tftp, SshService& ssh,
            http::ImageService& images, SyslogService& syslog)
      : loop_(loop),
        workers_(workers),
        events_(events),
        tftp_(tftp),
        ssh_(ssh),
        images_(images),
        syslog_(syslog) {}

  void begin(Listeners& listeners);  // takes its sockets
  // Opens what `settings` names and is not open, then closes what is not named any more; transfers and
  // sessions go on. Where one address cannot be opened, those of its protocol stay as they are. All that is
  // told as an event.
  void follow(const conf::Settings& settings);
  // Opens an address again whose interface is another one of the same name by now.
  void open_again(const conf::Endpoint& endpoint);

  std::string text() const;                                            // "tftp 0.0.0.0:69, ssh 0.0.0.0:22, "
  std::vector<std::string> tftp() const { return texts(tftp_open_); }  // "0.0.0.0:69"
  std::vector<std::string> ssh() const { return texts(ssh_open_); }
  std::vector<std::string> http() const;  // "0.0.0.0:80", "https://0.0.0.0:443"
  bool serves_https() const { return !https_open_.empty(); }
  std::vector<std::string> syslog() const { return texts(syslog_open_); }
  bool serves_ssh() const { return !ssh_open_.empty(); }
  bool on_usual_ports() const;  // 69 and 22 alone

 private:
  template <class Names>
  struct Open {
    std::optional<conf::Endpoint> wanted;  // nothing: the service manager's
    typename Names::Protocol::endpoint bound;
    SocketHandle handle;  // the service's
  };
  template <class Names>
  static std::vector<std::string> texts(const std::vector<Open<Names>>& open) {
    std::vector<std::string> all;
    for (const auto& each : open) all.push_back(text_of(each.bound));
    return all;
  }
  template <class Names, class Service, class Socket>
  void serve(Service& service, std::vector<Open<Names>>& open, std::optional<conf::Endpoint> wanted,
             Socket socket);
  template <class Names, class Service>
  void follow(Service& service, std::vector<Open<Names>>& open, const std::vector<conf::Endpoint>& wanted);
  template <class Names, class Service>
  void open_again(Service& service, std::vector<Open<Names>>& open, const conf::Endpoint& endpoint);
  template <class Names>
  void keep(const std::vector<Open<Names>>& open) const;

  void tell(std::string text) const;
  // Why an address was not opened; who has a port is found out by reading files of every process.
  using Why = std::function<std::string()>;
  void tell_failed(std::string what, Why why);

  net::io_context& loop_;
  Workers& workers_;
  Events& events_;
  TftpService& tftp_;
  SshService& ssh_;
  http::ImageService& images_;
  SyslogService& syslog_;
  std::vector<Open<TftpNames>> tftp_open_;
  std::vector<Open<SshNames>> ssh_open_;
  std::vector<Open<HttpNames>> http_open_;
  std::vector<Open<HttpsNames>> https_open_;
  std::vector<Open<SyslogNames>> syslog_open_;
};

}  // namespace server
