#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "server/http/image_common.hpp"
#include "server/http/image_connection.hpp"
#include "server/loop/reserved_memory.hpp"
#include "server/os/listener_wait.hpp"

namespace server::http {

// Listens for clients that fetch images over HTTP or HTTPS, and gives each its connection. Lives on the loop.
class ImageService {
 public:
  // The addresses with TLS, or those without.
  class Door {
   public:
    Door(ImageService& service, bool tls) : service_(service), tls_(tls) {}
    void serve(tcp::acceptor listener) { service_.serve(std::move(listener), tls_); }
    void close(const tcp::endpoint& address) { service_.close(address); }  // connections go on

   private:
    ImageService& service_;
    const bool tls_;
  };

  ImageService(net::io_context& loop, Lanes& lanes, Events& events, const LiveSettings& settings,
               Library& library, Running& running);
  ImageService(const ImageService&) = delete;
  ImageService& operator=(const ImageService&) = delete;

  Door& plain() { return plain_; }
  // Connections wait in the kernel until there is a certificate.
  Door& secure() { return secure_; }
  void use(std::shared_ptr<net::ssl::context> context);  // for connections from now on
  void heed_settings();  // bounds that they set; of a process that may have so many descriptors

  void stop_listening();        // and whoever asks for nothing ends
  void stop();                  // those that are still sent something are cut off
  std::size_t running() const;  // connections that are sent a file
  // Called when the last connection has ended.
  void when_empty(std::function<void()> call) { when_empty_ = std::move(call); }
  bool is_empty() const { return connections_.empty(); }

 private:
  struct Listener {
    Listener(tcp::acceptor opened, bool with_tls)
        : acceptor(std::move(opened)), wait(acceptor), pause(acceptor.get_executor()), tls(with_tls) {}
    tcp::acceptor acceptor;
    ListenerWait wait;
    net::steady_timer pause;
    const bool tls;
    bool listens = false;
    WaitMemory pause_memory;
  };
  void serve(tcp::acceptor listener, bool tls);
  void close(const tcp::endpoint& address);
  void listen(const std::shared_ptr<Listener>& listener);
  void pause(const std::shared_ptr<Listener>& listener);
  bool accept(Listener& listener) noexcept;
  void start(tcp::socket socket, bool tls);

  const std::shared_ptr<ImageCommon> common_;
  std::shared_ptr<net::ssl::context> context_;
  static constexpr std::size_t most_barred = 16, most_barred_each = 2;
  Shares places_{0, 0}, places_of_barred_{most_barred, most_barred_each};
  Door plain_{*this, false}, secure_{*this, true};
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::map<ImageConnection*, std::shared_ptr<ImageConnection>> connections_;
  std::function<void()> when_empty_;
};

}  // namespace server::http
