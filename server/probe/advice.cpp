#include "server/probe/advice.hpp"

#include <fmt/format.h>

#include "server/os/host_text.hpp"

namespace server::probe {
namespace {

constexpr auto timed_out = "Timed out", no_such_file = "No such file or directory";

// TFTP's, and those that every protocol has.
Advice of_transfer(Cause cause, const Report& report) {
  switch (cause) {
    case Cause::no_address:
      return {
          {},
          "the name is unknown, or the name service does not answer",
          "`getent hosts NAME`; many controllers take an address only, so write the address into the URL"};
    case Cause::no_route:
      return {{},
              "no host has this address, this host has no route to it, or a firewall says so",
              fmt::format("`{}`, and the rules of the firewall on this host", host::route_to(report.host))};
    case Cause::timed_out:
      return {
          timed_out, "a wrong address, a server that does not run, or a firewall on the way",
          fmt::format("`ping {}`, and on the server `apdepot status`. Where the server's log has the RRQ, a "
                      "firewall stops its answer: tftp.single_port: true, or tftp.port_range with a rule "
                      "for these ports; where it has none, one stops UDP 69",
                      report.host)};
    case Cause::refused:
      return {{},
              "the server does not run, or listens on another address or port",
              fmt::format("on the server `{}`, and `{}`, which shows what listens where", host::status,
                          host::all_listeners)};
    case Cause::half_way:
      return {timed_out,
              fmt::format("a firewall lets the server's answer out, and stops what goes to its port {}",
                          report.from),
              "tftp.single_port: true on the server, or tftp.port_range with a rule for these ports"};
    case Cause::wrong_source:
      return {
          timed_out,
          "the server has several addresses, and answers from another than the one that was asked; a device "
          "drops such an answer",
          fmt::format("bind the server to the address that devices ask, such as tftp.listen: [\"{}\"], or "
                      "let devices ask the other address",
                      report.server)};
    case Cause::options:
      return {{},
              "the server, or a firewall that inspects TFTP on the way, cannot take options",
              "`apdepot probe --plain URL` shows whether a client without options gets it; switch TFTP "
              "inspection "
              "(ALG) off in the firewall, or serve with apdepot"};
    case Cause::fragments:
      return {
          timed_out, "the way has a smaller MTU, and fragments are dropped on it",
          "a smaller block size: `ip tftp blocksize 512` on the device, or tftp.max_block_size: 512 on the "
          "server; or let the firewall pass fragments"};
    case Cause::wrap:
      return {
          timed_out, "the server cannot count more blocks than that",
          "a larger block size moves the end further away, if the device has one to set; apdepot counts on"};
    case Cause::not_found:
      return {no_such_file,
              report.nearest.empty()
                  ? "the path is wrong: case, 1 for l, or what the server takes for its root"
                  : "in this host's depot: " + report.nearest,
              "`apdepot explain PATH` on the server, or its log"};
    case Cause::is_folder:
      return {no_such_file, "the path names a folder, and the file's name is missing",
              "add the image's name: PATH/ap1g8"};
    case Cause::access:
      return {{},
              "the server's user may not read the file, or it lies outside what is served",
              "on the server `ls -l` of the file and its folders, and `apdepot explain PATH`"};
    case Cause::error:
      return {{}, "the server says itself why", "the server's log"};
    case Cause::stalled:
      return {timed_out, "packets are lost on the way, or the server stopped",
              fmt::format("`ping -c 100 {}` shows loss; the server's log says how the transfer ended",
                          report.host)};
    case Cause::too_short:
      return {{},
              "the file on the server is half a copy, or its disk is full or fails",
              "`apdepot verify` on the server, or compare the file's size with the vendor's"};
    case Cause::empty:
      return {{}, "a copy of the file was begun and never done", "copy or import the file again"};
    case Cause::different:
      return {{},
              "the server has another version of the file, or a damaged one",
              "`apdepot verify` on the server, and import the bundle again"};
    case Cause::not_an_image:
      return {{},
              "a proxy's or a web server's page was saved in place of the image, or the file is damaged",
              "`head -c 200 FILE` on the server; download the image from the vendor again"};
    default:
      return {};
  }
}

Advice of_ssh(Cause cause, const Report& report) {
  switch (cause) {
    case Cause::algorithms:
      return {{},
              "one of both is too old for the other",
              "on an apdepot `ssh.compatibility: legacy`; its log names what each side offers"};
    case Cause::host_key:
      return {{},
              "the server was installed again, or another server answers at this address",
              fmt::format(
                  "on the server `ssh-keygen -lf` of its host key must print {}; if it does, give that to "
                  "--host-key, and let the controller forget the old key",
                  report.fingerprint)};
    case Cause::login:
      return {{},
              "the user or the password is wrong, or the server asks for a key",
              "`apdepot user list` and `apdepot user passwd NAME` on the server; its log names the cause"};
    case Cause::no_sftp:
      return {{},
              "the server lets the user in, and has no SFTP",
              "`Subsystem sftp internal-sftp` in sshd_config, and no ForceCommand that is not SFTP"};
    default:
      return of_transfer(cause, report);
  }
}

Advice of_http(Cause cause, const Report& report) {
  switch (cause) {
    case Cause::tls:
      return {
          {},
          "the certificate is the server's own, for another name, or past its end; or the port speaks no TLS",
          "the note above says whose it is and until when; --insecure goes on all the same, and "
          "web.certificate of an apdepot names another"};
    case Cause::status:
      if (report.status >= 300 && report.status < 400)
        return {{},
                "the server leads to another place, and devices do not follow",
                "give devices the path that it leads to; apdepot never leads elsewhere"};
      if (report.status == 404)
        return {{},
                report.nearest.empty()
                    ? "the path is wrong: case, 1 for l, or what the server takes for its root"
                    : "in this host's depot: " + report.nearest,
                "`apdepot explain PATH` on the server, or its log"};
      return {{},
              "the server, or a proxy on the way, does not let this client have it",
              "the server's log; an apdepot names the key, such as tftp.allow"};
    default:
      return of_ssh(cause, report);
  }
}

}  // namespace

Advice advice_for(Cause cause, const Report& report) {
  if (cause == Cause::timed_out && report.over_tcp)
    return {
        timed_out, "a wrong address, a server that does not run, or a firewall on the way",
        fmt::format("`ping {}`, and on the server `apdepot status`. Where the server's log has no connection "
                    "from here, a firewall stops the TCP port",
                    report.host)};
  return of_http(cause, report);
}

}  // namespace server::probe
