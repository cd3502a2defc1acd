/*
 * Runs the practice XNAT under Tomcat: starts `python3 -m xnat_twin`, hands every request to it, stops it again.
 *
 * JVM system property: xnat.home (required), XNAT's home folder; its config/ is read by the Python process itself, so
 *   no password is ever on a command line. Logs go to ${xnat.home}/logs/xnat-twin.log.
 * Context parameters of web.xml: python (the interpreter, default python3), version (the XNAT version to claim),
 *   flavour (which XNAT to behave as), deployed (true: this application is what a builder of 1.6 has deployed),
 *   start-seconds (how long to wait for the first answer, default 120).
 *
 * As with XNAT, a start that fails (no database, say) makes the whole application fail: Tomcat then runs without it
 * and answers 404. The reason is in that log. A Python process that dies later is started again by the next request.
 *
 * A request is passed on as it came: raw path and query, all end-to-end headers, a body of known length with that
 * length and a chunked body chunked, since XNAT treats the two differently. The answer comes back the same way. Nothing
 * is collected in memory. It speaks plain HTTP/1.1 over a socket because java.net's clients rewrite headers.
 * It does no authentication, and does not follow redirects.
 */
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.servlet.ServletContext;
import javax.servlet.ServletContextEvent;
import javax.servlet.ServletContextListener;
import javax.servlet.ServletRegistration;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

public class TwinServlet extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private static final int CHUNK = 64 * 1024;
    private static final int MAX_LINE = 64 * 1024;
    private static final int SILENCE_MILLIS = 600_000;

    /** Headers that belong to one connection, not to the message; a body's framing is written anew. */
    private static final Set<String> HOP_BY_HOP = Set.of("connection", "keep-alive", "proxy-authenticate",
            "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
            "content-length");

    private final transient ServletContext context;
    private transient volatile Process python;
    private transient volatile int port;

    /** Starts Python with the application; an exception here makes Tomcat give the application up. */
    public static final class StartUp implements ServletContextListener {
        @Override
        public void contextInitialized(ServletContextEvent event) {
            TwinServlet servlet = new TwinServlet(event.getServletContext());
            servlet.start();
            if (!servlet.answers()) {
                servlet.destroy();
                throw new IllegalStateException("the practice XNAT did not start, see "
                        + System.getProperty("xnat.home") + "/logs/xnat-twin.log");
            }
            ServletRegistration.Dynamic registered = event.getServletContext().addServlet("twin", servlet);
            registered.setLoadOnStartup(1); // or Tomcat would not tell it of the end
            registered.addMapping("/*");
        }
    }

    private TwinServlet(ServletContext context) {
        if (System.getProperty("xnat.home", "").isEmpty()) {
            throw new IllegalStateException("Start the JVM with -Dxnat.home=DIRECTORY");
        }
        this.context = context;
    }

    /** Starts Python unless it runs. A failure is logged; the next request tries again. */
    private synchronized void start() {
        if (python != null && python.isAlive()) {
            return;
        }
        String home = System.getProperty("xnat.home");
        File logs = new File(home, "logs");
        logs.mkdirs();
        try {
            try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                port = free.getLocalPort();
            }
            ProcessBuilder builder = new ProcessBuilder(parameter("python", "python3"), "-m", "xnat_twin",
                    "--host", "127.0.0.1", "--port", Integer.toString(port), "--xnat-home", home,
                    "--xnat-version", parameter("version", "1.10.1"), "--stop-at-end-of-input");
            if (!parameter("flavour", "").isEmpty()) {
                builder.command().addAll(List.of("--flavour", parameter("flavour", "")));
            }
            if (parameter("deployed", "").equals("true")) {
                builder.command().addAll(List.of("--deployed", context.getRealPath("/")));
            }
            builder.environment().put("PYTHONPATH", context.getRealPath("/WEB-INF/python"));
            builder.environment().put("PYTHONDONTWRITEBYTECODE", "1");
            builder.redirectErrorStream(true);
            builder.redirectOutput(ProcessBuilder.Redirect.appendTo(new File(logs, "xnat-twin.log")));
            python = builder.start();
        } catch (IOException error) {
            context.log("cannot start the practice XNAT: " + error.getMessage());
        }
    }

    @Override
    public synchronized void destroy() {
        if (python == null) {
            return;
        }
        python.destroy();
        try {
            if (!python.waitFor(20, TimeUnit.SECONDS)) {
                python.destroyForcibly().waitFor();
            }
        } catch (InterruptedException interrupted) {
            python.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** Waits until Python accepts connections, has ended, or the time is over. Says whether it accepts them. */
    private boolean answers() {
        long patience = Long.parseLong(parameter("start-seconds", "120"));
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(patience);
        while (python != null && python.isAlive() && System.nanoTime() < deadline) {
            try (Socket probe = connect()) {
                return true;
            } catch (IOException notYet) {
                try {
                    Thread.sleep(100);
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                    return false;
                }
            }
        }
        return false;
    }

    private String parameter(String name, String fallback) {
        String value = context.getInitParameter(name);
        return value == null || value.isEmpty() ? fallback : value;
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket();
        try {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5_000);
            socket.setSoTimeout(SILENCE_MILLIS);
            return socket;
        } catch (IOException error) {
            socket.close();
            throw error;
        }
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Socket upstream;
        try {
            upstream = connect();
        } catch (IOException refused) {
            start(); // does nothing while it is still coming up
            response.setStatus(503);
            response.setContentType("text/plain");
            response.getOutputStream().println("The practice XNAT is not running; it is being started, try again.");
            return;
        }
        // Closing the socket on the way out, whatever happened, tells Python that a client went away.
        try (upstream) {
            IOException sendError = null;
            try {
                send(request, new BufferedOutputStream(upstream.getOutputStream(), CHUNK));
            } catch (ClientGone gone) {
                throw gone;
            } catch (IOException closed) {
                sendError = closed; // Python closed the connection, but may have answered before
            }
            receive(request, response, new BufferedInputStream(upstream.getInputStream(), CHUNK), sendError);
        }
    }

    /** The client broke off while sending its request. */
    private static final class ClientGone extends IOException {
        private static final long serialVersionUID = 1L;

        ClientGone(IOException cause) {
            super(cause);
        }
    }

    private static void send(HttpServletRequest request, OutputStream out) throws IOException {
        String path = request.getRequestURI().substring(request.getContextPath().length());
        String query = request.getQueryString();
        StringBuilder head = new StringBuilder(request.getMethod()).append(' ').append(path.isEmpty() ? "/" : path)
                .append(query == null ? "" : "?" + query).append(" HTTP/1.1\r\n");
        for (String name : Collections.list(request.getHeaderNames())) {
            if (!HOP_BY_HOP.contains(name.toLowerCase(Locale.ROOT))) {
                for (String value : Collections.list(request.getHeaders(name))) {
                    head.append(name).append(": ").append(value).append("\r\n");
                }
            }
        }
        long length = request.getContentLengthLong();
        boolean chunked = length < 0 && request.getHeader("Transfer-Encoding") != null;
        if (length >= 0) {
            head.append("Content-Length: ").append(length).append("\r\n");
        } else if (chunked) {
            head.append("Transfer-Encoding: chunked\r\n");
        }
        out.write(latin1(head.append("Connection: close\r\n\r\n").toString()));
        if (length > 0 || chunked) {
            InputStream body = request.getInputStream();
            byte[] buffer = new byte[CHUNK];
            for (int size = read(body, buffer); size > 0; size = read(body, buffer)) {
                out.write(latin1(chunked ? Integer.toHexString(size) + "\r\n" : ""));
                out.write(buffer, 0, size);
                out.write(latin1(chunked ? "\r\n" : ""));
            }
            out.write(latin1(chunked ? "0\r\n\r\n" : ""));
        }
        out.flush();
    }

    private static int read(InputStream body, byte[] buffer) throws ClientGone {
        try {
            return body.read(buffer);
        } catch (IOException error) {
            throw new ClientGone(error);
        }
    }

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private void receive(HttpServletRequest request, HttpServletResponse response, InputStream in,
            IOException sendError) throws IOException {
        int status;
        long length = -1;
        boolean chunked = false;
        try {
            String statusLine = line(in);
            status = Integer.parseInt(statusLine.split(" ", 3)[1]);
            response.setStatus(status);
            for (String header = line(in); !header.isEmpty(); header = line(in)) {
                int colon = header.indexOf(':');
                String name = header.substring(0, colon);
                String value = header.substring(colon + 1).trim();
                if (name.equalsIgnoreCase("Content-Length")) {
                    length = Long.parseLong(value);
                    response.setContentLengthLong(length);
                } else if (name.equalsIgnoreCase("Transfer-Encoding")) {
                    chunked = true;
                } else if (!HOP_BY_HOP.contains(name.toLowerCase(Locale.ROOT))) {
                    response.addHeader(name, value);
                }
            }
        } catch (IOException | RuntimeException broken) {
            context.log("no answer to " + request.getMethod() + " " + request.getRequestURI(),
                    sendError == null ? broken : sendError);
            response.reset();
            response.setStatus(502);
            response.setContentType("text/plain");
            response.getOutputStream().println("The practice XNAT broke off the connection, see its log.");
            return;
        }
        if (request.getMethod().equals("HEAD") || List.of(204, 304).contains(status)) {
            return;
        }
        OutputStream out = response.getOutputStream();
        if (!chunked) {
            copy(in, out, length);
            return;
        }
        for (long size = chunkSize(in); size > 0; size = chunkSize(in)) {
            copy(in, out, size);
            line(in);
        }
    }

    /** Copies `length` bytes, or all if it is negative; flushes whenever nothing more is waiting. */
    private static void copy(InputStream in, OutputStream out, long length) throws IOException {
        byte[] buffer = new byte[CHUNK];
        long left = length < 0 ? Long.MAX_VALUE : length;
        while (left > 0) {
            int size = in.read(buffer, 0, (int) Math.min(left, buffer.length));
            if (size < 0) {
                if (length >= 0) {
                    throw new EOFException("the answer ended " + left + " bytes too early");
                }
                return;
            }
            out.write(buffer, 0, size);
            left -= size;
            if (in.available() == 0) {
                out.flush();
            }
        }
    }

    private static long chunkSize(InputStream in) throws IOException {
        return Long.parseLong(line(in).split(";")[0].trim(), 16);
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0 || bytes.size() > MAX_LINE) {
                throw new EOFException("the answer has no complete header");
            }
            bytes.write(next);
        }
        String text = bytes.toString(StandardCharsets.ISO_8859_1);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }
}
