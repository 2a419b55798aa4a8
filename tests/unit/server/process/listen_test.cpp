#include "server/process/listen.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "server/os/port_words.hpp"
#include "tests/unit/server/process/manager.hpp"

using namespace server;
using conf::Endpoint;

namespace {

using Endpoints = std::vector<Endpoint>;
const auto loopback = net::ip::address_v4::loopback();
const Endpoint any_port{"127.0.0.1", 0};

struct House {
  const test::NoManager none{};
  net::io_context loop;
  std::vector<HandedOver> given;

  // As systemd hands a socket over.
  template <class Socket>
  Endpoint hand_over(const std::string& name, const char* address = "127.0.0.1") {
    constexpr bool is_udp = std::is_same_v<Socket, udp::socket>;
    Socket socket(loop, {net::ip::make_address(address), 0});
    const Endpoint endpoint{address, socket.local_endpoint().port()};
    given.push_back({name, UdpHandle(::dup(socket.native_handle())), is_udp});
    return endpoint;
  }
  Listeners listen(const ListenPlan& plan) { return server::listen(loop, plan, std::move(given)); }
  // Why a plan cannot be carried out, and whether that may pass.
  std::pair<std::string, bool> failure(const ListenPlan& plan) {
    try {
      listen(plan);
    } catch (const ListenError& e) {
      return {e.what(), e.passes};
    }
    return {};
  }
};

// A port of this host that another program has: this one, with a socket of its own.
template <class Socket>
struct Taken {
  net::io_context loop;
  Socket socket{loop, {loopback, 0}};
  Endpoint endpoint() const { return {"127.0.0.1", socket.local_endpoint().port()}; }
};
using TakenUdp = Taken<udp::socket>;
using TakenTcp = Taken<tcp::acceptor>;

ListenPlan with_tftp(Endpoints tftp, bool chosen = true) {
  ListenPlan plan;
  plan.tftp = std::move(tftp);
  plan.tftp_chosen = chosen;
  return plan;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

template <class Sockets>
std::vector<std::string> texts_of(const Sockets& listeners) {
  std::vector<std::string> texts;
  for (const auto& each : listeners)
    texts.push_back(each.wanted ? each.wanted->text()
                                : text_of(each.socket.local_endpoint()) + " handed over");
  return texts;
}

// A port that nobody has.
std::uint16_t free_port() { return TakenUdp().endpoint().port; }

bool can_bind(const udp::endpoint& endpoint) {
  net::io_context loop;
  error_code error;
  return open_listener(loop, endpoint, error).has_value();
}

}  // namespace

TEST_CASE("every address of a plan is opened, for the protocol that it belongs to") {
  House house;
  const Endpoint second{"127.0.0.2", 0};
  const auto opened = house.listen({.tftp = {any_port, second},
                                    .ssh = {any_port},
                                    .http = {second},
                                    .https = {any_port, second},
                                    .syslog = {any_port},
                                    .page = {any_port}});
  CHECK(opened.notes.empty());
  REQUIRE(opened.tftp.size() == 2);
  CHECK(opened.tftp[0].wanted == any_port);
  CHECK(opened.tftp[1].wanted == second);
  CHECK(opened.tftp[1].socket.local_endpoint().address().to_string() == "127.0.0.2");
  CHECK(opened.tftp[1].socket.local_endpoint().port() != 0);
  CHECK(opened.ssh.size() == 1);
  CHECK(opened.http.size() == 1);
  CHECK(opened.http[0].wanted == second);
  CHECK(opened.https.size() == 2);
  CHECK(opened.syslog.size() == 1);
  CHECK(opened.page.size() == 1);
}

TEST_CASE("sockets that were opened are heard: connections wait in them, and nothing that reads them waits") {
  House house;
  auto opened = house.listen({.tftp = {any_port}, .ssh = {any_port}, .http = {}, .https = {}, .syslog = {}});
  tcp::socket client(house.loop);
  client.connect(opened.ssh.at(0).socket.local_endpoint());
  CHECK(client.is_open());
  std::array<char, 8> buffer;
  error_code error;
  opened.tftp.at(0).socket.receive(net::buffer(buffer), 0, error);
  CHECK(error == net::error::would_block);
}

TEST_CASE("a plan without an address of those that devices fetch from serves nothing, and says what to do") {
  const auto words =
      "nothing to serve: tftp.listen, ssh.listen and http.listen are all empty, and no socket unit has "
      "opened an "
      "address; name one in the configuration, or `systemctl start apdepot-tftp.socket apdepot-ssh.socket`";
  for (const auto& plan :
       {ListenPlan{}, ListenPlan{.tftp = {}, .ssh = {}, .http = {}, .https = {}, .syslog = {any_port}},
        ListenPlan{.tftp = {}, .ssh = {}, .http = {}, .https = {}, .syslog = {}, .page = {any_port}}})
    CHECK(House().failure(plan) == std::pair<std::string, bool>(words, false));
  for (const auto& plan : {ListenPlan{.tftp = {any_port}, .ssh = {}, .http = {}, .https = {}, .syslog = {}},
                           ListenPlan{.tftp = {}, .ssh = {any_port}, .http = {}, .https = {}, .syslog = {}},
                           ListenPlan{.tftp = {}, .ssh = {}, .http = {any_port}, .https = {}, .syslog = {}},
                           ListenPlan{.tftp = {}, .ssh = {}, .http = {}, .https = {any_port}, .syslog = {}}})
    CHECK(House().failure(plan).first.empty());
}

TEST_CASE("a chosen port that is taken is an error with who has it and two ways out") {
  const TakenUdp taken;
  const TakenTcp taken_tcp;
  House house;
  ListenPlan ssh, http, https;
  ssh.ssh = http.http = https.https = {taken_tcp.endpoint()};
  ssh.ssh_chosen = true;
  struct Row {
    ListenPlan plan;
    std::string begin, end;
  };
  for (const auto& row : std::vector<Row>{
           {with_tftp({taken.endpoint()}), "cannot listen on UDP " + taken.endpoint().text() + ": ",
            "; or choose another with tftp.listen in the configuration, or --tftp 127.0.0.1:6969"},
           {ssh, "cannot listen on TCP " + taken_tcp.endpoint().text() + ": ",
            "; or choose another with ssh.listen in the configuration, or --ssh 127.0.0.1:2222"},
           {http, "cannot listen on TCP " + taken_tcp.endpoint().text() + ": ",
            "; or choose another with http.listen in the configuration"},
           {https, "cannot listen on TCP " + taken_tcp.endpoint().text() + ": ",
            "; or choose another with http.listen in the configuration"},
       }) {
    const auto [text, passes] = house.failure(row.plan);
    CAPTURE(text);
    CHECK(text.starts_with(row.begin));
    CHECK(text.ends_with(row.end));
    CHECK(has(text, "(PID " + std::to_string(::getpid())));
    CHECK_FALSE(passes);
  }
}

TEST_CASE("a port that was not chosen gives way to the other one, and that is said") {
  const Endpoint other{"127.0.0.77", 6969};
  const udp::endpoint fallback(net::ip::make_address(other.address), other.port);
  if (!can_bind(fallback)) {
    MESSAGE("another program of this host has port 6969");
    return;
  }
  net::io_context loop;
  const udp::socket taken(loop, udp::endpoint(fallback.address(), 0));
  const Endpoint wanted{other.address, taken.local_endpoint().port()};
  House house;
  const auto opened = house.listen(with_tftp({wanted}, false));
  REQUIRE(opened.tftp.size() == 1);
  CHECK(opened.tftp[0].socket.local_endpoint() == fallback);
  CHECK(opened.tftp[0].wanted == wanted);  // a reload finds what it asked for
  REQUIRE(opened.notes.size() == 1);
  CHECK(opened.notes[0].starts_with("cannot use UDP port " + std::to_string(wanted.port) + " ("));
  CHECK(opened.notes[0].ends_with("); serving TFTP on port 6969 instead"));

  const auto [text, passes] = house.failure(with_tftp({wanted}, false));  // both are taken now
  CHECK(text.starts_with("cannot listen on UDP 127.0.0.77:6969: "));
  CHECK_FALSE(passes);
}

TEST_CASE("an address that this host has not is an error that may pass, and no other port is tried") {
  House house;
  const Endpoint elsewhere{"192.0.2.1", 0};
  const std::string why =
      "no interface of this host has that address: `ip address` lists them; or choose another with ";
  for (const bool chosen : {false, true})
    CHECK(house.failure(with_tftp({elsewhere}, chosen)) ==
          std::pair("cannot listen on UDP 192.0.2.1:0: " + why +
                        "tftp.listen in the configuration, or --tftp 192.0.2.1:6969",
                    true));
  ListenPlan http;
  http.http = {any_port, elsewhere};
  CHECK(house.failure(http) ==
        std::pair("cannot listen on TCP 192.0.2.1:0: " + why + "http.listen in the configuration", true));
}

TEST_CASE("an interface that this host has not is an error that may pass") {
  House house;
  CHECK(
      house.failure(with_tftp({any_port, {"fe80::1%nosuchif0", 69}})) ==
      std::pair<std::string, bool>("cannot listen on UDP [fe80::1%nosuchif0]:69: this host has no interface "
                                   "nosuchif0: `ip link` lists them",
                                   true));
}

TEST_CASE("a plan of which one address fails opens none: the ports are free after that") {
  const auto port = free_port();
  House house;
  CHECK_FALSE(house.failure(with_tftp({{"127.0.0.1", port}, {"192.0.2.1", 0}})).first.empty());
  CHECK(can_bind({loopback, port}));
}

TEST_CASE("a socket that was handed over is served in place of its address, whatever else is asked for") {
  House house;
  const auto given = house.hand_over<udp::socket>("apdepot-tftp");
  const auto opened = house.listen(with_tftp({given, {"127.0.0.2", 0}}));
  CHECK(opened.notes.empty());
  CHECK(texts_of(opened.tftp) == std::vector<std::string>{given.text() + " handed over", "127.0.0.2:0"});

  House other;
  const auto not_named = other.hand_over<tcp::acceptor>("apdepot-ssh");
  const auto served = other.listen(with_tftp({any_port}));
  CHECK(texts_of(served.ssh) == std::vector<std::string>{not_named.text() + " handed over"});
  REQUIRE(served.notes.size() == 1);
  CHECK(served.notes[0].starts_with("apdepot-ssh.socket has opened " + not_named.text() +
                                    ", which ssh.listen does not name: it is served all the same"));
}

TEST_CASE("what was handed over alone is enough to serve, and is ready to be served") {
  House house;
  house.hand_over<udp::socket>("apdepot-tftp");
  auto opened = house.listen({});
  REQUIRE(opened.tftp.size() == 1);
  std::array<char, 8> buffer;
  error_code error;
  opened.tftp[0].socket.receive(net::buffer(buffer), 0, error);
  CHECK(error == net::error::would_block);
}

TEST_CASE("every protocol takes what was handed over under its own name") {
  House house;
  house.hand_over<udp::socket>("apdepot-tftp");
  house.hand_over<tcp::acceptor>("apdepot-ssh");
  house.hand_over<tcp::acceptor>("apdepot-http");
  house.hand_over<tcp::acceptor>("apdepot-https");
  house.hand_over<udp::socket>("apdepot-syslog");
  house.hand_over<tcp::acceptor>("apdepot-https");
  const auto opened = house.listen({});
  CHECK(opened.tftp.size() == 1);
  CHECK(opened.ssh.size() == 1);
  CHECK(opened.http.size() == 1);
  CHECK(opened.https.size() == 2);
  CHECK(opened.syslog.size() == 1);
  CHECK(opened.notes.size() == 6);  // none of them is named by the configuration
}

TEST_CASE("a socket that was kept over a restart is served as long as the configuration names it") {
  House house;
  const auto named = house.hand_over<udp::socket>("apdepot-tftp-kept");
  const auto not_named = house.hand_over<udp::socket>("apdepot-tftp-kept");
  const auto opened = house.listen(with_tftp({named, {"127.0.0.2", 0}}));
  CHECK(opened.notes.empty());
  CHECK(texts_of(opened.tftp) == std::vector<std::string>{named.text(), "127.0.0.2:0"});
  CHECK(opened.tftp[0].socket.local_endpoint().port() == named.port);
  CHECK(can_bind({loopback, not_named.port}));
}

TEST_CASE("a kept socket makes room for an address that holds its own") {
  House house;
  const auto kept = house.hand_over<udp::socket>("apdepot-tftp-kept");
  const Endpoint all{"0.0.0.0", kept.port};
  const auto opened = house.listen(with_tftp({all}));
  CHECK(texts_of(opened.tftp) == std::vector<std::string>{all.text()});
  CHECK(opened.tftp[0].socket.local_endpoint().address().is_unspecified());
}

TEST_CASE("the manager forgets the kept sockets of those protocols that have some") {
  House house;
  test::Manager manager;
  const auto kept = house.hand_over<udp::socket>("apdepot-tftp-kept");
  house.hand_over<tcp::acceptor>("apdepot-ssh");
  house.listen(with_tftp({kept}));
  CHECK(manager.heard() == std::vector<std::string>{"FDSTOREREMOVE=1\nFDNAME=apdepot-tftp-kept\n"});
}

TEST_CASE("what cannot be served of that which was handed over is said, and the rest is served") {
  House house;
  house.hand_over<tcp::acceptor>("apdepot-tftp");
  house.hand_over<udp::socket>("apdepot-ssh");
  house.hand_over<tcp::acceptor>("other\n\x1b[2J");
  house.hand_over<tcp::acceptor>("");
  const auto opened = house.listen(with_tftp({any_port}));
  CHECK(texts_of(opened.tftp) == std::vector<std::string>{"127.0.0.1:0"});
  CHECK(opened.ssh.empty());
  REQUIRE(opened.notes.size() == 4);
  CHECK(opened.notes[0] == "apdepot-tftp hands over a socket that is not UDP: it is not served");
  CHECK(opened.notes[1] == "apdepot-ssh hands over a socket that is not TCP: it is not served");
  CHECK(opened.notes[2] ==
        "a socket called other\\n\\x1b[2J was handed over, which is none of apdepot-tftp, apdepot-ssh, "
        "apdepot-http, apdepot-https, apdepot-syslog: it is not served; FileDescriptorName= of its unit says "
        "so");
  CHECK(opened.notes[3].starts_with("a socket called  was handed over"));
}

TEST_CASE("a socket for both families is refused with the line that the unit needs") {
  House house;
  house.hand_over<udp::socket>("apdepot-tftp");
  house.given[0].both_families = true;
  CHECK(house.failure({}) ==
        std::pair<std::string, bool>(
            "apdepot-tftp.socket hands over an IPv6 socket that takes IPv4 too: put "
            "BindIPv6Only=ipv6-only into it (`systemctl edit apdepot-tftp.socket`), and an "
            "address for IPv4",
            false));
}

TEST_CASE("devices are served where their logs cannot be heard or the page cannot be shown") {
  const TakenUdp taken;
  const TakenTcp taken_tcp;
  House house;
  auto plan = with_tftp({any_port});
  plan.syslog = {taken.endpoint()};
  plan.page = {taken_tcp.endpoint(), {"nowhere", 80}, any_port};
  const auto opened = house.listen(plan);
  CHECK(opened.tftp.size() == 1);
  CHECK(opened.syslog.empty());
  CHECK(opened.page.size() == 1);
  REQUIRE(opened.notes.size() == 3);
  CHECK(opened.notes[0].starts_with("syslog is not heard: cannot listen on UDP " + taken.endpoint().text() +
                                    ": "));
  CHECK(opened.notes[0].ends_with("; or choose another with syslog.listen in the configuration"));
  CHECK(opened.notes[1].starts_with("the page is not served on " + taken_tcp.endpoint().text() + ": "));
  CHECK(opened.notes[1].ends_with(
      "; or choose another port with web.listen in the configuration, or --web 127.0.0.1:8070"));
  CHECK(opened.notes[2].starts_with("the page is not served on nowhere:80: "));
}

TEST_CASE("of a host without IPv6 only its wildcard may be missed, beside another address") {
  const error_code no_family = net::error::address_family_not_supported;
  const error_code no_address(EADDRNOTAVAIL, boost::system::system_category());
  const Endpoint all6{"::", 69}, all4{"0.0.0.0", 69}, one6{"::1", 69};
  struct Row {
    Endpoint endpoint;
    error_code error;
    Endpoints wanted;
    bool missed;
  };
  for (const auto& row : std::vector<Row>{
           {all6, no_family, {all4, all6}, true},
           {all6, no_address, {all4, all6}, true},
           {all6, no_family, {all6}, false},
           {all6, net::error::address_in_use, {all4, all6}, false},
           {all6, net::error::access_denied, {all4, all6}, false},
           {one6, no_address, {all4, one6}, false},
           {all4, no_address, {all4, all6}, false},
       }) {
    CAPTURE(row.endpoint.text());
    CAPTURE(row.error.message());
    CHECK(may_be_missed(row.endpoint, row.error, row.wanted) == row.missed);
  }
}

TEST_CASE("why an address cannot be used is said with the way out") {
  const test::NoManager none{};
  const Endpoint free{"127.0.0.1", free_port()};
  const error_code denied = net::error::access_denied;
  for (const auto& [text, unit] : std::vector<std::pair<std::string, std::string>>{
           {listen_failure<TftpNames>(free, denied), "apdepot-tftp.socket"},
           {listen_failure<SyslogNames>(free, denied), "apdepot-syslog.socket"}}) {
    CHECK(text.starts_with(
        "permission denied, ports below 1024 need a privilege: run it as root, or let systemd "
        "open the address (`systemctl enable " +
        unit + " && systemctl restart apdepot`, and `systemctl edit " + unit + "` for another)"));
    CHECK(text.ends_with("`setcap cap_net_bind_service=+ep $(command -v apdepot)`"));
  }
  {
    const test::Manager manager;  // the unit has taken away what setcap would give
    const auto text = listen_failure<SshNames>(free, denied);
    CHECK(has(text, "`systemctl enable apdepot-ssh.socket && systemctl restart apdepot`"));
    CHECK(has(text, "own-ports.conf"));
    CHECK_FALSE(has(text, "setcap"));
    CHECK(has(port_denied_later("apdepot-ssh.socket").value(), "`systemctl edit apdepot-ssh.socket`"));
  }
  CHECK(listen_failure<SshNames>(free, error_code(EADDRNOTAVAIL, boost::system::system_category())) ==
        "no interface of this host has that address: `ip address` lists them");
  CHECK(listen_failure<HttpNames>(free, net::error::no_descriptors) ==
        error_code(net::error::no_descriptors).message());
  CHECK(listen_failure<TftpNames>(free, net::error::address_in_use) ==
        "another program has the port: as root `ss -ulnp 'sport = :" + std::to_string(free.port) +
            "'` names it, stop that");
  const TakenTcp taken;
  for (const auto& error : {denied, error_code(net::error::address_in_use)}) {
    const auto text = listen_failure<SshNames>(taken.endpoint(), error);
    CHECK(text.starts_with("the port is in use by "));
    CHECK(has(text, "(PID " + std::to_string(::getpid())));
    CHECK_FALSE(has(text, "privilege"));
  }
}

TEST_CASE("a port is a UDP or a TCP one: another program's of the other kind is not in the way") {
  const TakenUdp taken;
  House house;
  ListenPlan plan;
  plan.ssh = {taken.endpoint()};
  plan.ssh_chosen = true;
  net::io_context loop;
  error_code error;
  if (!open_listener(loop, tcp::endpoint(loopback, taken.endpoint().port), error)) return;
  CHECK(house.listen(plan).ssh.size() == 1);
}

TEST_CASE("two listeners never share a port, and one may be opened again at once") {
  net::io_context loop;
  error_code error;
  auto udp_one = open_listener(loop, udp::endpoint(loopback, 0), error);
  auto tcp_one = open_listener(loop, tcp::endpoint(loopback, 0), error);
  REQUIRE(udp_one.has_value());
  REQUIRE(tcp_one.has_value());
  const auto udp_at = udp_one->local_endpoint();
  const auto tcp_at = tcp_one->local_endpoint();
  CHECK_FALSE(open_listener(loop, udp_at, error).has_value());
  CHECK(error == net::error::address_in_use);
  error = {};
  CHECK_FALSE(open_listener(loop, tcp_at, error).has_value());
  CHECK(error == net::error::address_in_use);
  error = {};
  tcp::socket client(loop), accepted(loop);
  client.connect(tcp_at);
  tcp_one->accept(accepted);
  accepted.close();  // first: so that this end of the connection waits for late packets
  client.close();
  tcp_one.reset();
  udp_one.reset();
  CHECK(open_listener(loop, tcp_at, error).has_value());
  CHECK(open_listener(loop, udp_at, error).has_value());
}

TEST_CASE("an IPv6 wildcard leaves IPv4 to others") {
  net::io_context loop;
  error_code error;
  const auto six = open_listener(loop, udp::endpoint(net::ip::address_v6::any(), 0), error);
  if (!six) {
    MESSAGE("this host has no IPv6");
    return;
  }
  const udp::endpoint four(net::ip::address_v4::any(), six->local_endpoint().port());
  const auto beside = open_listener(loop, four, error);
  CHECK((beside.has_value() || error == net::error::address_in_use));
  net::ip::v6_only only;
  six->get_option(only);
  CHECK(only.value());
  const auto connections = open_listener(loop, tcp::endpoint(net::ip::address_v6::any(), 0), error);
  REQUIRE(connections.has_value());
  connections->get_option(only);
  CHECK(only.value());
}
